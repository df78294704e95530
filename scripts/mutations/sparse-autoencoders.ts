/** Faults in sparse autoencoders, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const SAE = 'src/learning/sae/sae-loss.test.ts';
const TRAINER = 'src/learning/sae/sae-trainer.test.ts';
const REFERENCE = 'test/reference/sae.test.ts';
const FILES = 'test/reference/files-sae-lens.test.ts';
const METRICS = 'test/reference/sae-metrics.test.ts';
const ACTIVATIONS = 'test/learning/activations.test.ts';
const HOOK_POINTS = 'test/learning/hook-points.test.ts';

export const SPARSE_AUTOENCODER_FAULTS: readonly Fault[] = [
  {
    name: 'bDec of a sparse pass forgets that the encoder reads it too',
    file: 'src/learning/sae/sparse-pass.ts',
    from: '      encoderBias(ground, biasProduct);\n',
    to: '',
    tests: [SAE],
  },
  {
    name: 'dead features reconstruct what was reconstructed already',
    file: 'src/learning/sae/sparse-pass.ts',
    from: 'arena.kernels.scale(alive.left.offset, count * sizes.width, -1);',
    to: 'arena.kernels.scale(alive.left.offset, count * sizes.width, 1);',
    tests: [SAE],
  },
  {
    name: 'thresholding starts over from the first codes at every step',
    file: 'src/learning/sae/sae-graph.ts',
    from: 'z = positiveTopK(add(z, matmul',
    to: 'z = positiveTopK(add(hiddenPre, matmul',
    tests: [REFERENCE],
  },
  {
    name: 'images of features keep the length their map gives them',
    file: 'src/learning/sae/sae-graph.ts',
    from: "return config.decoderNorm === 'unit' ? unitLength(image) : image;",
    to: 'return image;',
    tests: [REFERENCE],
  },
  {
    name: 'the gradient along a feature is left in',
    file: 'src/learning/sae/sae-trainer.ts',
    from: '      if (held !== undefined && heldGradient !== undefined) removeParallel(heldGradient, held, config.dIn);\n',
    to: '',
    tests: [REFERENCE],
  },
  {
    name: 'features grow from step to step',
    file: 'src/learning/sae/sae-trainer.ts',
    from: '      if (held !== undefined) toUnitRows(held, config.dIn);\n',
    to: '',
    tests: [TRAINER],
  },
  {
    name: 'a restored trainer takes every feature for alive',
    file: 'src/learning/sae/sae-trainer.ts',
    from: 'saveState: () => packBytes([learner.saveState(), bytesOf(silentRows), bytesOf(scalars)])',
    to: 'saveState: () => packBytes([learner.saveState(), bytesOf(new Float64Array(silentRows.length)), bytesOf(scalars)])',
    tests: [TRAINER],
  },
  {
    name: 'a matryoshka forgets its smallest prefix',
    file: 'src/learning/sae/sae-loss.ts',
    from: '(prefixes ?? []).slice(0, -1)',
    to: '(prefixes ?? []).slice(1, -1)',
    tests: [REFERENCE],
  },
  {
    name: 'a bias that SAELens does not take off is taken off',
    file: 'src/learning/files/sae-lens/sae-lens-read.ts',
    from: '  if (!described.takesBiasOff) foldBias(weights, dIn);\n',
    to: '',
    tests: [FILES],
  },
  {
    name: 'codes scaled by feature lengths are read as plain ones',
    file: 'src/learning/files/sae-lens/sae-lens-read.ts',
    from: '  if (described.rescales) foldLengths(weights, dIn);\n',
    to: '',
    tests: [FILES],
  },
  {
    name: 'a thresholding autoencoder is written as plain top-k',
    file: 'src/learning/files/sae-lens/sae-lens-write.ts',
    from: "if (sae.config.encoder.kind === 'thresholding') {",
    to: "if (sae.config.encoder.kind === 'thresholding' && sae.weights.size === 0) {",
    tests: [FILES],
  },
  {
    name: 'a matching takes the best free column of each row in turn',
    file: 'src/measures/sae/assignment.ts',
    from: '        v[j] = (v[j] ?? 0) - step;\n',
    to: '',
    tests: [METRICS],
  },
  {
    name: 'the unexplained variance counts the mean as variance',
    file: 'src/measures/sae/reconstruction.ts',
    from: 'total + square - (sums[i] ?? 0) ** 2 / rows',
    to: 'total + square',
    tests: [METRICS],
  },
  {
    name: 'padding gives rows',
    file: 'src/learning/activations/model-activations.ts',
    from: '(start + sequence.length) * width',
    to: '(start + length) * width',
    tests: [ACTIVATIONS],
  },
  {
    name: 'every pass has one order',
    file: 'src/learning/activations/stored-activations.ts',
    from: 'rng.split(`pass ${pass}`)',
    to: 'rng.split(`pass`)',
    tests: [ACTIVATIONS],
  },
  {
    name: 'rows of another source are mixed in',
    file: 'src/learning/activations/stored-activations.ts',
    from: 'const differs = JSON.stringify(found) !== JSON.stringify(description);',
    to: 'const differs = found.dIn !== description.dIn;',
    tests: [ACTIVATIONS],
  },
  {
    name: 'a sequence longer than a row of the batch runs into the next one',
    file: 'src/learning/activations/model-activations.ts',
    from: 'sequence.length < least || sequence.length > length',
    to: 'sequence.length < least',
    tests: [ACTIVATIONS],
  },
  {
    name: 'a misspelt kind of encoder trains an untied one',
    file: 'src/learning/sae/sae-config.ts',
    from: 'checkWord(`${name}.kind`, kind, Object.keys(kinds));',
    to: '',
    tests: [TRAINER],
  },
  {
    name: 'maps of the autoencoder that stood in a folder stay beside another one',
    file: 'src/learning/files/sae-lens/sae-lens-write.ts',
    from: 'await rm(join(path, MAPS_FILE), { force: true });',
    to: '',
    tests: [FILES],
  },
  {
    name: 'a chunk of activations that lacks a site is written as an empty one',
    file: 'src/learning/activations/stored-activations.ts',
    from: 'rows?.length !== undefined && rows.length % dIn === 0',
    to: '(rows?.length ?? 0) % dIn === 0',
    tests: [ACTIVATIONS],
  },
  {
    name: 'what attention adds is read before the factor of the residual stream',
    file: 'src/learning/models/transformer.ts',
    from: 'layers.site(hookPoint(layer, of), times(normedPart, config.multipliers?.residual))',
    to: 'times(layers.site(hookPoint(layer, of), normedPart), config.multipliers?.residual)',
    tests: [HOOK_POINTS],
  },
  {
    name: 'the stream before a block is the one behind attention of the block before',
    file: 'src/learning/models/hook-points.ts',
    from: 'sites[2 * layer]',
    to: 'sites[2 * layer - 1]',
    tests: [HOOK_POINTS],
  },
  {
    name: 'parallel blocks are said to have a stream between attention and MLP',
    file: 'src/learning/models/hook-points.ts',
    from: "of === 'hook_resid_mid' && residual !== 'serial'",
    to: "of === 'hook_resid_mid' && residual === 'parallelOneNorm'",
    tests: [HOOK_POINTS],
  },
  {
    name: 'blocks of experts are said to have one last matrix',
    file: 'src/learning/models/hook-points.ts',
    from: 'expertsOf(config, layer) !== undefined',
    to: 'expertsOf(config, layer) === null',
    tests: [HOOK_POINTS],
  },
  {
    name: 'sites of unlike widths are cut into rows of the first one',
    file: 'src/learning/activations/model-activations.ts',
    from: '({ width }) => width !== first?.width',
    to: '({ width }) => width === 0',
    tests: [HOOK_POINTS],
  },
];
