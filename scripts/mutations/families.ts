/** Faults in what single families have of their own, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const CONFIGS = 'src/learning/files/hugging-face/hugging-face-families.test.ts';
const MODELS = 'test/learning/family-models.test.ts';
const BRANCHED = 'test/learning/branched.test.ts';
const PACKING = 'test/learning/packing.test.ts';

export const FAMILY_FAULTS: readonly Fault[] = [
  {
    name: 'a window sees one token more',
    file: 'src/learning/models/attention.ts',
    from: 'if (own >= window) values.fill(MASKED, start, start + own - window + 1);',
    to: 'if (own > window) values.fill(MASKED, start, start + own - window);',
    tests: [MODELS],
  },
  {
    name: 'windows do not move on while tokens are generated',
    file: 'src/learning/generation/cache.ts',
    from: 'if (position + 1 >= window)',
    to: 'if (position + 1 >= Infinity * window)',
    tests: [MODELS],
  },
  {
    name: 'a kept prompt is seen whole by layers with a window',
    file: 'src/learning/generation/cache.ts',
    from: 'Math.max(0, length + 1 - window)',
    to: 'Math.max(0, length * 0 * window || 0)',
    tests: [MODELS],
  },
  {
    name: 'branches have no windows',
    file: 'src/learning/models/branched.ts',
    from: 'const seen = window === undefined ? apart :',
    to: 'const seen = window !== 0 ? apart :',
    tests: [BRANCHED],
  },
  {
    name: 'windows of branches count places in the row',
    file: 'src/learning/models/branched.ts',
    from: "const positions = gather(numbers, input('positions', [length], 'int32'));",
    to: 'const positions = numbers;',
    tests: [BRANCHED],
  },
  {
    name: 'scores are capped after they are masked',
    file: 'src/learning/models/attention.ts',
    from: 'return matmul(softmax(add(capped(scores, caps.attention), mask)), v);',
    to: 'return matmul(softmax(capped(add(scores, mask), caps.attention)), v);',
    tests: [MODELS],
  },
  {
    name: 'a generated token is not capped',
    file: 'src/learning/models/attention.ts',
    from: 'config.caps?.attention === undefined ? scores : capped(scores, config.caps.attention)',
    to: 'scores',
    tests: [MODELS],
  },
  {
    name: 'heads that are turned in part lose the rest',
    file: 'src/learning/models/attention.ts',
    from: 'slice(x, 3, turned, headDim)], 3)',
    to: 'slice(x, 3, 0, headDim - turned)], 3)',
    tests: [PACKING, MODELS],
  },
  {
    name: 'the attention factor of long contexts is left out',
    file: 'src/learning/models/rotary-tables.ts',
    from: '(_, i) => factor * of(',
    to: '(_, i) => Math.sign(factor) * of(',
    tests: [MODELS],
  },
  {
    name: 'a fused linear layer of GPT-NeoX is read as all queries, keys and values in turn',
    file: 'src/learning/models/modules.ts',
    from: "layout: 'byHead' },",
    to: "layout: 'stacked' },",
    tests: [MODELS],
  },
  {
    name: 'what a parallel block adds comes one after another',
    file: 'src/learning/models/transformer.ts',
    from: "residual === 'serial' ? attended : kept",
    to: "residual !== 'parallelOneNorm' ? attended : kept",
    tests: [MODELS],
  },
  {
    name: 'what is added to the stream is not multiplied',
    file: 'src/learning/models/transformer.ts',
    from: 'times(normedPart, config.multipliers?.residual)',
    to: 'normedPart',
    tests: [MODELS],
  },
  {
    name: 'code of any class is a plain model',
    file: 'src/learning/files/hugging-face/foreign.ts',
    from: "typeof code === 'string' && known.includes(code.slice(code.lastIndexOf('.') + 1))",
    to: "typeof code === 'string' && known.length > 0",
    tests: [CONFIGS],
  },
  {
    name: 'factors of a rotation are counted over the whole head',
    file: 'src/learning/files/model-description.ts',
    from: 'if (length !== turned / 2) {',
    to: 'if (length !== headDim / 2) {',
    tests: [CONFIGS],
  },
  {
    name: 'a cap that transformers does not apply is applied',
    file: 'src/learning/files/hugging-face/hugging-face-families.ts',
    from: "fields.only('attn_logit_softcapping', []);",
    to: '',
    tests: [CONFIGS],
  },
  {
    name: 'the masks of GPT-NeoX are tensors of no known meaning',
    file: 'src/learning/files/hugging-face/hugging-face.ts',
    from: "  neox: 'attention',\n",
    to: '',
    tests: [MODELS],
  },
  {
    name: 'caps are written as whole numbers',
    file: 'src/learning/files/model-files.ts',
    from: ".replaceAll(WHOLE_FLOATS, '$1.0')",
    to: '',
    tests: [MODELS],
  },
];
