/** Faults in reading models' files, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const CONFIG = 'src/learning/files/hugging-face/hugging-face-config.test.ts';
const PEFT = 'src/learning/files/hugging-face/peft.test.ts';
const STAND_INS = 'src/learning/files/tensors/stand-ins.test.ts';
const FOLDERS = 'test/learning/half-read-folders.test.ts';
const GGUF = 'test/learning/half-read-gguf.test.ts';
const PATHS = 'test/e2e/model-paths.test.ts';
const TIKTOKEN = 'test/learning/tiktoken.test.ts';
const GENERATION = 'src/learning/files/hugging-face/generation-options.test.ts';

export const FILE_FAULTS: readonly Fault[] = [
  {
    name: 'tokens of ranks are merged in the order of their parts',
    file: 'src/learning/files/hugging-face/tiktoken.ts',
    from: 'a[0] - b[0] || a[1] - b[1]',
    to: 'a[1] - b[1] || a[0] - b[0]',
    tests: [TIKTOKEN],
  },
  {
    name: 'special tokens of ranks start one id early',
    file: 'src/learning/files/hugging-face/tiktoken.ts',
    from: 'firstId: 100_257',
    to: 'firstId: 100_256',
    tests: [TIKTOKEN],
  },
  {
    name: 'a penalty on repetitions is thought to change nothing',
    file: 'src/learning/files/hugging-face/generation-options.ts',
    from: '  repetition_penalty: is(1),',
    to: '  repetition_penalty: is(1, 5),',
    tests: [GENERATION],
  },
  {
    name: 'how a config.json without generation_config.json samples is passed over',
    file: 'src/learning/files/hugging-face/generation-options.ts',
    from: 'generation ?? optionsIn(config)',
    to: 'generation ?? {}',
    tests: [GENERATION],
  },
  {
    name: 'a model without a tokenizer is found out by its runs',
    file: 'src/recipes/text-model-files.ts',
    from: 'const tokenizer = neededTokenizer(files);',
    to: 'const tokenizer = files.tokenizer ?? { encode: (): number[] => [] };',
    tests: [PATHS],
  },
  {
    name: 'the advice for a name of the hub is not given',
    file: 'src/learning/files/model-place.ts',
    from: 'return isLikeName\n',
    to: 'return isLikeName && isGgufPath(path)\n',
    tests: [PATHS],
  },
  {
    name: 'a GGUF file may end its texts with a token that it lacks',
    file: 'src/learning/files/gguf/gguf-tokenizer.ts',
    from: '(isCount(id) && id < count)',
    to: 'isCount(id)',
    tests: [GGUF],
  },
  {
    name: 'settings that nobody knows are skipped',
    file: 'src/learning/files/fields.ts',
    from: 'if (unknown === undefined) return;',
    to: "if (unknown !== '') return;",
    tests: [CONFIG],
  },
  {
    name: 'of two spellings the second is not looked at',
    file: 'src/learning/files/fields.ts',
    from: 'others.find((name) => said(name) !== said(chosen))',
    to: 'others.find(() => false)',
    tests: [CONFIG],
  },
  {
    name: 'the angle base inside rope_scaling is not read',
    file: 'src/learning/files/hugging-face/hugging-face-rope.ts',
    from: '(beside ?? rope).positive(name, byDefault)',
    to: 'fields.positive(name, byDefault)',
    tests: [FOLDERS],
  },
  {
    name: 'a head of its own is taken for the embedding',
    file: 'src/learning/files/hugging-face/hugging-face.ts',
    from: 'config: { ...config, tied: false }',
    to: 'config',
    tests: [FOLDERS],
  },
  {
    name: 'a mask is spare by its name',
    file: 'src/learning/files/hugging-face/hugging-face.ts',
    from: 'if (await isCausalMask(source, name, contextLength)) return true;',
    to: 'return true;',
    tests: [FOLDERS],
  },
  {
    name: 'an adapter in a model folder is passed over',
    file: 'src/learning/files/hugging-face/hugging-face.ts',
    from: '  await refuseAdapter(folder);\n',
    to: '',
    tests: [FOLDERS],
  },
  {
    name: 'tensors that an index does not name are passed over',
    file: 'src/learning/files/tensors/sharded.ts',
    from: '  refuseUnnamed(path, shardOf, opened);\n',
    to: '',
    tests: [FOLDERS],
  },
  {
    name: 'weights that are not finite pass',
    file: 'src/learning/files/tensors/tensor-source.ts',
    from: 'if (value - value === 0) continue;',
    to: 'if (value - value !== 1) continue;',
    tests: [FOLDERS],
  },
  {
    name: 'a GGUF factor without a type is not applied',
    file: 'src/learning/files/gguf/gguf-rope.ts',
    from: "[one, one])), 'linear')",
    to: "[one, one])), 'none')",
    tests: [GGUF],
  },
  {
    name: 'a GGUF factor is lost beside divisors',
    file: 'src/learning/files/gguf/gguf-rope.ts',
    from: '(divisor) => factor * divisor',
    to: '(divisor) => divisor',
    tests: [GGUF],
  },
  {
    name: 'a byte order mark is no JSON',
    file: 'src/base/strict-json.ts',
    from: 'text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text',
    to: 'text',
    tests: [STAND_INS],
  },
  {
    name: 'factors of modules that PEFT would not adapt are applied',
    file: 'src/learning/files/hugging-face/peft.ts',
    from: 'if (isTargeted && !isNamed(excluded, module) && isChosenLayer(module)) continue;',
    to: 'if (isTargeted && isChosenLayer(module)) continue;',
    tests: [PEFT],
  },
];
