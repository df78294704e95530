/**
 * What a contrastive training step costs, or embedding images (bench/step-costs.ts); one JSON line on stdout.
 *   node bench/towers-step.ts small|vit-b-32|score [--threads N] [--seconds S]
 * The subjects are those of bench/peers/towers.py, weights random and batches fixed.
 */
import { parseArgs } from 'node:util';

import { rngOf, type Rng } from '#base/rng.ts';
import { input } from '#engine/ops/sources.ts';
import { compile } from '#engine/session.ts';
import { imageProcessing, processedImage } from '#learning/files/images/image-processor.ts';
import {
  embedBatch,
  emptyEmbeddings,
  imageBatch,
  readingOutputs,
  readingsOf,
} from '#learning/files/towers/readings.ts';
import { towersConfig } from '#learning/files/towers/towers-config.ts';
import type { Feeds } from '#learning/feeds.ts';
import { createLearner } from '#learning/learner.ts';
import { smallTowers, type TowersConfig } from '#learning/models/towers/config.ts';
import { learnedScaling, pairLogits, softmaxContrastive } from '#learning/models/towers/contrastive.ts';
import { towerParameters } from '#learning/models/towers/parameters.ts';
import { imageTower, textTower } from '#learning/models/towers/towers.ts';
import { drawnWeights, feedLayers } from '#learning/nn/layers.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';

import { stepCosts } from './step-costs.ts';

/** Images a step, and tokens a caption. */
interface Subject {
  readonly config: TowersConfig;
  readonly rows: number;
  readonly length: number;
  readonly lr: number;
}

const SMALL_SIZE = { height: 20, width: 28, patch: 4, vocabulary: 32, textLength: 8 };
/** openai/clip-vit-base-patch32: every size is a default. */
const CLIP = towersConfig({ model_type: 'clip' }, 'config.json');

const SUBJECTS: Readonly<Record<string, Subject>> = {
  small: { config: smallTowers(SMALL_SIZE), rows: 64, length: 8, lr: 1e-3 },
  'vit-b-32': { config: CLIP.config, rows: 8, length: 77, lr: 1e-5 },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { threads: { type: 'string', default: '1' }, seconds: { type: 'string', default: '10' } },
});
const name = positionals[0] ?? '';
const threads = Number(values.threads);
const subject = SUBJECTS[name];
if (subject !== undefined) await train(subject);
else if (name === 'score') await score();
else throw new Error(`Expected one of ${[...Object.keys(SUBJECTS), 'score'].join(', ')}, found "${name}".`);

async function train({ config, rows, length, lr }: Subject): Promise<void> {
  const parameters = towerParameters(config);
  const layers = feedLayers(parameters);
  const { channels, size, rows: gridRows, columns } = config.image.patches;
  const patches = gridRows * columns;
  const dPatch = channels * size * size;
  const images = imageTower(
    config.image,
    layers,
    { rows, length: patches },
    {
      patches: input('patches', [rows * patches, dPatch]),
    },
  );
  const isAt = config.text.pooling === 'at';
  const texts = textTower(
    config.text,
    layers,
    { rows, length },
    {
      tokens: input('tokens', [rows * length], 'int32'),
      ...(isAt ? { pooledAt: input('pooled at', [rows], 'int32') } : {}),
    },
  );
  const scaling = config.logitScale === null ? { scale: 10 } : learnedScaling(config, layers);
  const loss = { contrastive: softmaxContrastive(pairLogits(images, texts, scaling)) };
  await using learner = await createLearner({ parameters, loss, optimizer: ADAMW_DEFAULTS, threads });
  learner.reset(new Map(), rngOf(0));
  const rng = rngOf(0, 'batch');
  const feeds: Feeds = {
    patches: normals(rng, rows * patches * dPatch),
    tokens: Int32Array.from({ length: rows * length }, () => rng.below(config.text.vocabulary)),
    ...(isAt ? { 'pooled at': Int32Array.from({ length: rows }, (_, row) => row * length + length - 1) } : {}),
  };
  await timed(rows, async () => {
    await learner.forwardBackward(feeds);
    learner.optimStep(lr);
  });
}

/** Images of 480 x 640 pixels, decoded, to embeddings. */
async function score(): Promise<void> {
  const rows = 8;
  const { image } = readingsOf(CLIP.config);
  const readings = image.slice(-1);
  const batch = imageBatch(CLIP, rows);
  await using program = await compile(readingOutputs(batch, image, readings), { threads });
  const needed = towerParameters(CLIP.config).filter((spec) => program.has(spec.name));
  for (const [parameter, memory] of drawnWeights(needed, rngOf(0))) program.bind(parameter, memory);
  const processing = imageProcessing(
    { image_processor_type: 'CLIPImageProcessor' },
    'clip',
    'preprocessor_config.json',
  );
  const rng = rngOf(0, 'images');
  const pixels = Uint8Array.from({ length: 480 * 640 * 3 }, () => rng.below(256));
  const into = emptyEmbeddings(rows, readings);
  await timed(rows, async () => {
    const items = Array.from({ length: rows }, (_, at) => ({
      at,
      item: processedImage(processing, { values: pixels, height: 480, width: 640 }),
    }));
    await embedBatch(items, batch, program, into);
  });
}

function normals(rng: Rng, length: number): Float32Array {
  return Float32Array.from({ length }, () => rng.normal());
}

async function timed(images: number, step: () => Promise<void>): Promise<void> {
  const costs = await stepCosts(step, { seconds: Number(values.seconds) });
  console.log(JSON.stringify({ subject: name, threads, images, ...costs }));
}
