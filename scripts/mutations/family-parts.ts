/** Faults in parts that few families have, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const PUBLISHED = 'src/learning/files/hugging-face/families/published.test.ts';
const MODELS = 'test/learning/family-models.test.ts';
const IMAGES = 'test/learning/with-images.test.ts';
const GGUF = 'test/learning/gguf-families.test.ts';

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
    from: 'scaleOf(own, layers, head)),',
    to: 'scaleOf(own, layers, head.replace(/[0-9]+$/, `${0}`))),',
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
    file: 'src/learning/models/transformer.ts',
    from: 'square(relu(x))',
    to: 'relu(x)',
    tests: [MODELS],
  },
];
