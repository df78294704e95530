/** Faults in parts that few families have, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const PUBLISHED = 'src/learning/files/hugging-face/families/published.test.ts';
const MODELS = 'test/learning/family-models.test.ts';

export const FAMILY_PART_FAULTS: readonly Fault[] = [
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
];
