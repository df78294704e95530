/** Faults in parts that few families have, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const PUBLISHED = 'src/learning/files/hugging-face/families/published.test.ts';
const PACKING = 'test/learning/packing.test.ts';
const GGUF = 'test/learning/gguf-families.test.ts';
const GGUF_TOKENIZERS = 'test/learning/gguf-tokenizers.test.ts';
const MODELS = 'test/learning/family-models.test.ts';
const IMAGES = 'test/learning/with-images.test.ts';

export const FAMILY_PART_FAULTS: readonly Fault[] = [
  {
    name: 'columns of stacked experts stand one expert behind another',
    file: 'src/learning/files/hugging-face/peft-stacks.ts',
    from: 'b[o * columns + k * count + index]',
    to: 'b[o * columns + index * rank + k]',
    tests: [MODELS],
  },
  {
    name: 'up stands before gate in a stack',
    file: 'src/learning/files/hugging-face/peft-stacks.ts',
    from: 'halves(own, gate, up)',
    to: 'halves(own, up, gate)',
    tests: [MODELS],
  },
  {
    name: 'what sees images is left out of an export',
    file: 'src/learning/files/hugging-face/hugging-face-write.ts',
    from: '...carried.map(',
    to: '...carried.slice(1).map(',
    tests: [MODELS, IMAGES],
  },
  {
    name: 'an adapter beside images names modules of what sees too',
    file: 'src/learning/files/hugging-face/peft.ts',
    from: "name.includes('.language_model.')",
    to: "name.includes('.language_models.')",
    tests: [IMAGES],
  },
  {
    name: 'neighbours of a head are turned as halves',
    file: 'src/learning/files/hugging-face/hugging-face-rope.ts',
    from: '...(defaults.isInterleaved === true ? { isInterleaved: true } : {}),',
    to: '',
    tests: [MODELS, PUBLISHED],
  },
  {
    name: 'the gradient of turned neighbours is that of halves',
    file: 'src/engine/gradients.ts',
    from: 'rotary(dy, cos, mul(sin, -1), isInterleaved),',
    to: 'rotary(dy, cos, mul(sin, -1), isInterleaved && false),',
    tests: [MODELS],
  },
  {
    name: 'a tied head has no bias',
    file: 'src/learning/models/transformer.ts',
    from: 'config.tied && config.biases.head === true ?',
    to: 'config.tied && config.biases.head === undefined ?',
    tests: [MODELS],
  },
  {
    name: 'queries and keys of a model with LayerNorm are normed by its scale alone',
    file: 'src/learning/models/norms.ts',
    from: 'return layerNorm(x, scale ?? fixed(1), bias ?? fixed(0), epsilon);',
    to: 'return x.shape.length > 2 ? rmsNorm(x, scale ?? fixed(1), epsilon) : layerNorm(x, scale ?? fixed(1), bias ?? fixed(0), epsilon);',
    tests: [MODELS],
  },
  {
    name: 'the scale of each head is left out',
    file: 'src/learning/models/norms.ts',
    from: 'return mul(normed(own, x), reshape(scale, [1, heads, 1, width]));',
    to: 'return normed(own, x);',
    tests: [MODELS],
  },
  {
    name: "the heads of StableLM 2 12B share the first one's norm",
    file: 'src/learning/models/norms.ts',
    from: '.map((head) => scaleOf(own, layers, head));',
    to: '.map((head) => scaleOf(own, layers, head.replace(/[0-9]+$/, `${0}`)));',
    tests: [MODELS],
  },
  {
    name: "a GGUF file's norms of heads are all that of the first",
    file: 'src/learning/files/gguf/gguf-model.ts',
    from: 'rows.slice(head * headDim, (head + 1) * headDim)',
    to: 'rows.slice(0, headDim)',
    tests: [GGUF],
  },
  {
    name: "Cohere's layers without a window are turned",
    file: 'src/learning/files/hugging-face/families/layer-normed.ts',
    from: "full: { positions: { kind: 'none' } },",
    to: '',
    tests: [MODELS, PUBLISHED],
  },
  {
    name: 'learned positions begin with the first row of their table',
    file: 'src/learning/models/transformer.ts',
    from: 'return offset === 0 ? all : slice(all, 0, offset, axisLength(all, 0));',
    to: 'return offset === 0 ? all : slice(all, 0, 0, axisLength(all, 0) - offset);',
    tests: [MODELS],
  },
  {
    name: 'the square of a rectifier is left out',
    file: 'src/learning/models/activations.ts',
    from: 'square(relu(x))',
    to: 'relu(x)',
    tests: [MODELS],
  },
  {
    name: 'heads that are normed after the rotation are normed before it',
    file: 'src/learning/models/attention.ts',
    from: 'if (config.isNormedTurned === true)',
    to: 'if (config.isNormedTurned === undefined && config.qkNorm === false)',
    tests: [MODELS],
  },
  {
    name: 'alpha stretches no base',
    file: 'src/learning/files/hugging-face/hugging-face-rope.ts',
    from: 'theta: theta * stretch,',
    to: 'theta,',
    tests: [MODELS, PUBLISHED],
  },
  {
    name: 'queries and keys are not bounded',
    file: 'src/learning/models/attention.ts',
    from: 'qkvBound === undefined ? values : clamp(values, -qkvBound, qkvBound)',
    to: 'qkvBound === undefined ? values : clamp(values, -1e9, 1e9)',
    tests: [MODELS],
  },
  {
    name: 'the shared expert has no gate',
    file: 'src/learning/models/transformer.ts',
    from: 'mul(outOf(shared), sigmoid(layers.linear(sharedGate, x)))',
    to: 'outOf(shared)',
    tests: [MODELS],
  },
  {
    name: 'packed rows whose heads are normed after the rotation count on from row to row',
    file: 'src/learning/models/transformer.ts',
    from: "return positions.kind === 'learned' || isNormedTurned === true;",
    to: "return positions.kind === 'learned' || isNormedTurned === null;",
    tests: [PACKING],
  },
  {
    name: "a GGUF file's bias of the head is left out",
    file: 'src/learning/files/gguf/gguf-config.ts',
    from: '    ...config.biases,\n',
    to: '',
    tests: [GGUF],
  },
  {
    name: "the gate and the up matrix of a GGUF file's shared expert change places",
    file: 'src/learning/files/gguf/gguf-names.ts',
    from: "[experts.shared.gate, 'ffn_gate_shexp']",
    to: "[experts.shared.gate, 'ffn_up_shexp']",
    tests: [GGUF],
  },
  {
    name: 'a gate that is a vector is not read',
    file: 'src/learning/files/gguf/gguf-model.ts',
    from: 'shape[0] === 1 && found?.length === 1',
    to: 'shape[0] === 1 && found?.length === 0',
    tests: [GGUF],
  },
  {
    name: "OLMo 1's queries and keys stay in pairs",
    file: 'src/learning/files/gguf/gguf-later-families.ts',
    from: "['olmo', { rope: {}, isPaired: true,",
    to: "['olmo', { rope: {},",
    tests: [GGUF],
  },
  {
    name: "Command R's tokenizer does not normalise",
    file: 'src/learning/files/gguf/gguf-tokenizer.ts',
    from: "{ ...DIGITS, normalizer: { type: 'NFC' } }",
    to: 'DIGITS',
    tests: [GGUF_TOKENIZERS],
  },
  {
    name: 'xIELU is not bent below 0',
    file: 'src/learning/models/activations.ts',
    from: 'mul(grown, below)',
    to: 'mul(grown, 0)',
    tests: [MODELS],
  },
  {
    name: 'the constants of xIELU are not written',
    file: 'src/learning/files/hugging-face/hugging-face-write.ts',
    from: '...constants, ...carried',
    to: '...constants.slice(1), ...carried',
    tests: [MODELS],
  },
];
