/** Faults in towers, their files and their images, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const TOWERS = 'test/learning/towers.test.ts';
const FILES = 'test/learning/towers-files.test.ts';
const OPEN = 'test/learning/open-towers.test.ts';
const IMAGES = 'test/learning/images.test.ts';

export const TOWER_FAULTS: readonly Fault[] = [
  {
    name: 'quick_gelu is taken for gelu',
    file: 'src/learning/files/towers/towers-config.ts',
    from: "['quick_gelu', 'quickGelu']",
    to: "['quick_gelu', 'gelu']",
    tests: [FILES],
  },
  {
    name: "CLIP's texts see what comes after",
    file: 'src/learning/files/towers/towers-config.ts',
    from: "causal: true, pooling: 'at'",
    to: "causal: false, pooling: 'at'",
    tests: [FILES],
  },
  {
    name: 'an end of 2 is looked for in the text',
    file: 'src/learning/files/towers/towers-config.ts',
    from: 'pooledPlace: end === 2 ?',
    to: 'pooledPlace: end === -1 ?',
    tests: [FILES],
  },
  {
    name: 'the config of old files is passed over',
    file: 'src/learning/files/towers/towers-config.ts',
    from: 'older ?? given ?? {}',
    to: 'given ?? older ?? {}',
    tests: [FILES],
  },
  {
    name: 'the epsilon of a tower is the default',
    file: 'src/learning/files/towers/towers-config.ts',
    from: "fields.positive('layer_norm_eps', defaults.epsilon)",
    to: "fields.positive('layer_norm_eps', defaults.epsilon) && defaults.epsilon",
    tests: [FILES],
  },
  {
    name: 'NaFlex patches are taken in the order of a convolution',
    file: 'src/learning/models/towers/inputs.ts',
    from: "order === 'chw' ? [size * size, 1] : [1, channels]",
    to: 'order.length === 3 ? [size * size, 1] : [1, channels]',
    tests: [TOWERS],
  },
  {
    name: 'positions are resized without antialias',
    file: 'src/learning/files/towers/placement.ts',
    from: 'Math.max(scale, 1)',
    to: '1',
    tests: [FILES],
  },
  {
    name: 'padded patches are pooled too',
    file: 'src/learning/models/towers/towers.ts',
    from: 'return attentionHead(config, layers, batch, mask, normed);',
    to: 'return attentionHead(config, layers, batch, scalar(0), normed);',
    tests: [FILES],
  },
  {
    name: 'padding of captions is masked whatever the tokenizer says',
    file: 'src/learning/files/towers/captions.ts',
    from: "!Array.isArray(names) || names.includes('attention_mask')",
    to: 'names !== null',
    tests: [OPEN],
  },
  {
    name: 'captions are padded at the end whatever the tokenizer',
    file: 'src/learning/files/towers/captions.ts',
    from: "isGemma ? 'left' : 'right'",
    to: "isGemma ? 'right' : 'right'",
    tests: [OPEN],
  },
  {
    name: 'a caption that is too long is cut unasked',
    file: 'src/learning/files/towers/captions.ts',
    from: "all.length > length && tooLong === 'refuse'",
    to: "all.length > length && tooLong !== 'refuse' && tooLong !== 'cut'",
    tests: [OPEN],
  },
  {
    name: "punctuation stays in SigLIP's captions",
    file: 'src/learning/files/towers/captions.ts',
    from: ".replaceAll(PUNCTUATION, '')",
    to: '',
    tests: [OPEN],
  },
  {
    name: 'columns are resized before rows',
    file: 'src/learning/files/images/resample.ts',
    from: '  return down === undefined ? wide : byColumn(wide, needed.from, down);',
    to: '  if (down === undefined || width === image.width) return down === undefined ? wide : byColumn(wide, needed.from, down);\n  const tall = byColumn(image, 0, down);\n  return byRow(tall, { from: 0, count: tall.height }, weightsOf(image.width, width, columns, filter));',
    tests: [IMAGES],
  },
  {
    name: 'the filter is not widened when an image shrinks',
    file: 'src/learning/files/images/resample.ts',
    from: 'const widened = Math.max(scale, 1);',
    to: 'const widened = Math.min(scale, 1) * 0 + 1;',
    tests: [IMAGES],
  },
  {
    name: 'the longer side is rounded to the nearest',
    file: 'src/learning/files/images/image-processor.ts',
    from: 'Math.trunc((resize.length * long) / short)',
    to: 'Math.ceil((resize.length * long) / short)',
    tests: [IMAGES],
  },
  {
    name: 'images are not turned as their EXIF says',
    file: 'src/learning/files/images/decode-image.ts',
    from: '    .autoOrient()\n',
    to: '',
    tests: [IMAGES],
  },
  {
    name: "OpenCLIP's crop rounds down",
    file: 'src/learning/files/towers/open-clip.ts',
    from: "rounding: 'halfToEven'",
    to: "rounding: 'down'",
    tests: [OPEN],
  },
  {
    name: 'swapped captions are wrong for texts only',
    file: 'src/learning/models/towers/contrastive.ts',
    from: 'const ofImages = crossEntropy(logits, labels);',
    to: 'const ofImages = crossEntropy(slice(logits, 1, 0, rows), labels);',
    tests: [TOWERS],
  },
  {
    name: 'the last block ends at the pooled tokens though its stream is read',
    file: 'src/learning/models/towers/towers.ts',
    from: 'return wholeStream === true ? [all, pick] : [pick, all];',
    to: 'return [pick, all];',
    tests: [TOWERS],
  },
  {
    name: 'the last block of towers goes on at tokens that nothing looks at',
    file: 'src/learning/models/towers/towers.ts',
    from: 'return wholeStream === true ? [all, pick] : [pick, all];',
    to: 'return [all, pick];',
    tests: [TOWERS],
  },
];
