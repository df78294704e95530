/** The two towers of any description: shapes, gradients against finite differences, what padding and order may change. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { differentiate } from '#engine/differentiate.ts';
import { input } from '#engine/ops/sources.ts';
import { compile, type Program } from '#engine/session.ts';
import { topologicalOrder } from '#engine/order.ts';
import { sameShape, sizeOf, type Tensor } from '#engine/tensor.ts';
import { embeddingWidth, smallTowers, type TowersConfig } from '#learning/models/towers/config.ts';
import {
  learnedScaling,
  pairLogits,
  sigmoidContrastive,
  softmaxContrastive,
} from '#learning/models/towers/contrastive.ts';
import { cutPatches, pooledPlaces } from '#learning/models/towers/inputs.ts';
import { imageDepths, textDepths, towerSites } from '#learning/models/towers/modules.ts';
import { towerParameters } from '#learning/models/towers/parameters.ts';
import { imageTower, textTower } from '#learning/models/towers/towers.ts';
import { drawnWeights, feedLayers, type Layers } from '#learning/nn/layers.ts';
import { recordingSites } from '#learning/nn/sites.ts';

/** Central differences of float32 losses of about 1, step 1e-2: of the largest derivative. */
const DIFFERENCE = 0.02;
/** float32 sums of tens of terms. */
const ROUNDING = 1e-5;

const ROWS = 3;
const TOKENS = 5;
const SMALL = {
  height: 4,
  width: 6,
  patch: 2,
  channels: 2,
  vocabulary: 7,
  textLength: 6,
  dModel: 8,
  nLayers: 2,
  nHeads: 2,
} as const;

/** CLIP, SigLIP, SigLIP 2 (NaFlex) and the small pair, all of one tiny size. */
const DESCRIPTIONS: Readonly<Record<string, TowersConfig>> = { small: smallTowers(SMALL), ...pretrainedShapes() };

function pretrainedShapes(): Readonly<Record<string, TowersConfig>> {
  const { image, text } = smallTowers({ ...SMALL, imagePooling: 'attention', textPooling: 'last', dEmbedding: 8 });
  const clip = smallTowers({ ...SMALL, imagePooling: 'class', textPooling: 'at', causal: true, dEmbedding: 6 });
  const quick = { activation: 'quickGelu' } as const;
  const siglip: TowersConfig = {
    image: { ...image, encoder: { ...image.encoder, activation: 'geluTanh' }, projection: null },
    text: { ...text, projection: { width: 8, bias: true } },
    logitScale: 2,
    logitBias: -3,
  };
  return {
    clip: {
      image: {
        ...clip.image,
        encoder: { ...clip.image.encoder, ...quick },
        preNorm: true,
        patches: { ...clip.image.patches, bias: false },
      },
      text: { ...clip.text, encoder: { ...clip.text.encoder, ...quick } },
      logitScale: 1.5,
      logitBias: null,
    },
    siglip,
    naflex: {
      ...siglip,
      image: { ...siglip.image, patches: { ...siglip.image.patches, grid: 'resized', order: 'hwc' } },
    },
  };
}

interface Pair {
  readonly images: Tensor;
  readonly texts: Tensor;
  readonly loss: Tensor;
}

const PATCHES = 6;

/** Both towers, and the loss that goes with the description. */
function pairOf(config: TowersConfig, layers: Layers): Pair {
  const { channels, size, grid, rows, columns } = config.image.patches;
  const isPadded = grid === 'resized';
  const images = imageTower(
    config.image,
    layers,
    { rows: ROWS, length: PATCHES },
    {
      patches: input('patches', [ROWS * PATCHES, channels * size * size]),
      ...(isPadded
        ? {
            placement: input('placement', [ROWS * PATCHES, rows * columns]),
            attended: input('patches attended', [ROWS, PATCHES]),
          }
        : {}),
    },
  );
  const texts = textTower(
    config.text,
    layers,
    { rows: ROWS, length: TOKENS },
    {
      tokens: input('tokens', [ROWS * TOKENS], 'int32'),
      attended: input('attended', [ROWS, TOKENS]),
      ...(config.text.pooling === 'at' ? { pooledAt: input('pooled at', [ROWS], 'int32') } : {}),
    },
  );
  const scaling = config.logitScale === null ? { scale: 5 } : learnedScaling(config, layers);
  const logits = pairLogits(images, texts, scaling);
  const loss = config.logitBias === null ? softmaxContrastive(logits) : sigmoidContrastive(logits);
  return { images, texts, loss };
}

const IDS = Int32Array.of(1, 2, 3, 6, 0, 2, 1, 6, 0, 0, 4, 5, 1, 3, 6);

/** Random patches, a fixed text, all weights drawn and moved off their starts. */
function feedsOf(config: TowersConfig): ReadonlyMap<string, Float32Array | Int32Array> {
  const rng = rngOf(5);
  const normal = (length: number, std: number): Float32Array => Float32Array.from({ length }, () => rng.normal() * std);
  const { channels, size, rows, columns } = config.image.patches;
  const weights = Array.from(drawnWeights(towerParameters(config), rngOf(3)), ([name, values]) => {
    const noise = normal(values.length, 0.1);
    return [name, values.map((value, i) => value + (noise[i] ?? 0))] as const;
  });
  const seen = Float32Array.from(IDS, (id) => Number(id !== 0));
  return new Map<string, Float32Array | Int32Array>([
    ...weights,
    ['patches', normal(ROWS * PATCHES * channels * size * size, 1)],
    ['placement', normal(ROWS * PATCHES * rows * columns, 1).map(Math.abs)],
    ['patches attended', Float32Array.from({ length: ROWS * PATCHES }, (_, i) => Number(i % PATCHES < 4 + (i % 2)))],
    ['tokens', IDS],
    ['attended', seen],
    ['pooled at', pooledPlaces(IDS, TOKENS, { kind: 'largest' })],
  ]);
}

function bindAll(program: Program, feeds: ReadonlyMap<string, Float32Array | Int32Array>): void {
  for (const [name, values] of feeds) program.bindIfKnown(name, values);
}

test('the last block ends at the tokens that are pooled, unless somebody looks at the whole stream: the same embeddings and gradients', async () => {
  const { clip = assert.fail() } = DESCRIPTIONS;
  for (const pooling of ['at', 'last'] as const) {
    const config = { ...clip, text: { ...clip.text, pooling } };
    const specs = towerParameters(config);
    const found = await Promise.all(
      [false, true].map(async (wholeStream) => {
        const layers = { ...feedLayers(specs), wholeStream };
        const { images, texts, loss } = pairOf(config, layers);
        const gradients = differentiate(
          loss,
          specs.map((spec) => layers.parameter(spec.name)),
        );
        const wide = [ROWS * TOKENS, config.text.encoder.dMlp];
        const widest = topologicalOrder([loss]).filter(({ outputs: [first] }) => sameShape(first?.shape ?? [], wide));
        const named = gradients.map((gradient, i): [string, Tensor] => [`d ${i}`, gradient]);
        await using program = await compile({ images, texts, ...Object.fromEntries(named) });
        bindAll(program, feedsOf(config));
        await program.run();
        const values = program.outputs.flatMap((output) => [...program.float32(output.name)]);
        return { values, widest: widest.length };
      }),
    );
    const [ended, whole] = found;
    assert.ok(ended !== undefined && whole !== undefined);
    assert.ok(ended.widest < whole.widest, `${ended.widest} of ${whole.widest}`);
    for (const [i, value] of ended.values.entries()) {
      const other = whole.values[i] ?? Number.NaN;
      assert.ok(Math.abs(value - other) <= ROUNDING * Math.max(1, Math.abs(other)), `${value} against ${other}`);
    }
  }
});

for (const [name, config] of Object.entries(DESCRIPTIONS)) {
  test(`${name}: the gradient of every parameter is that of finite differences`, async () => {
    const specs = towerParameters(config);
    const layers = feedLayers(specs);
    const { loss } = pairOf(config, layers);
    const gradients = differentiate(
      loss,
      specs.map((spec) => layers.parameter(spec.name)),
    );
    const named = specs.map((spec, i): [string, Tensor] => [`d ${spec.name}`, gradients[i] ?? loss]);
    await using program = await compile({ loss, ...Object.fromEntries(named) });
    const feeds = feedsOf(config);
    bindAll(program, feeds);
    await program.run();
    const exact = new Map(specs.map((spec) => [spec.name, program.float32(`d ${spec.name}`).slice()]));
    const largest = Math.max(...[...exact.values()].map((values) => Math.max(...values.map(Math.abs))));
    for (const spec of specs) {
      const values = feeds.get(spec.name) ?? assert.fail(spec.name);
      for (const at of new Set([0, Math.floor(sizeOf(spec.shape) / 2), sizeOf(spec.shape) - 1])) {
        const before = values[at] ?? 0;
        const lossAt = async (value: number): Promise<number> => {
          values[at] = value;
          await program.run();
          return program.float32('loss')[0] ?? Number.NaN;
        };
        const slope = ((await lossAt(before + 0.01)) - (await lossAt(before - 0.01))) / 0.02;
        values[at] = before;
        const found = exact.get(spec.name)?.[at] ?? Number.NaN;
        assert.ok(Math.abs(slope - found) < DIFFERENCE * largest, `${spec.name}[${at}]: ${found}, slope ${slope}`);
      }
    }
  });

  test(`${name}: every depth is read in the shape that is said of it`, async () => {
    const { layers, recorded } = recordingSites(feedLayers(towerParameters(config)), towerSites(config));
    const { images, texts } = pairOf(config, layers);
    assert.deepEqual([...recorded.keys()], towerSites(config));
    const imageTokens = PATCHES + Number(config.image.classToken);
    const depths = [
      ...imageDepths(config.image).map((depth) => [depth, imageTokens] as const),
      ...textDepths(config.text).map((depth) => [depth, TOKENS] as const),
    ];
    for (const [{ site, per, width }, tokens] of depths) {
      assert.deepEqual(recorded.get(site)?.shape, [per === 'row' ? ROWS : ROWS * tokens, width], site);
    }
    const width = embeddingWidth(config);
    assert.deepEqual(
      [images.shape, texts.shape],
      [
        [ROWS, width],
        [ROWS, width],
      ],
    );
  });
}

test('what is not attended changes nothing: tokens and patches of any content', async () => {
  const config = DESCRIPTIONS['naflex'] ?? assert.fail('no such description');
  const text = { ...config.text, pooling: 'mean' } as const;
  const pair = pairOf({ ...config, text }, feedLayers(towerParameters(config)));
  await using program = await compile({ images: pair.images, texts: pair.texts });
  const feeds = feedsOf(config);
  bindAll(program, feeds);
  await program.run();
  const [images, texts] = [[...program.float32('images')], [...program.float32('texts')]];
  program.bind(
    'tokens',
    IDS.map((id) => (id === 0 ? 5 : id)),
  );
  const attended = feeds.get('patches attended') ?? [];
  program.float32('patches').forEach((_, i, patches) => {
    if (attended[Math.floor(i / 8)] === 0) patches[i] = 9;
  });
  await program.run();
  assert.deepEqual([[...program.float32('images')], [...program.float32('texts')]], [images, texts]);
});

test('contrastive losses are those of their formulas, with texts that belong to no image', async () => {
  const [rows, columns] = [3, 5];
  const values = Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(3 * i) * 2);
  const logits = input('logits', [rows, columns]);
  await using program = await compile({ soft: softmaxContrastive(logits), sigmoid: sigmoidContrastive(logits) });
  program.bind('logits', values);
  await program.run();
  const z = (i: number, j: number): number => values[i * columns + j] ?? Number.NaN;
  const logSumExp = (list: readonly number[]): number =>
    Math.log(list.reduce((sum, value) => sum + Math.exp(value), 0));
  const range = (length: number): readonly number[] => Array.from({ length }, (_, i) => i);
  const total = (list: readonly number[]): number => list.reduce((sum, value) => sum + value, 0);
  const images = range(rows).map((i) => logSumExp(range(columns).map((j) => z(i, j))) - z(i, i));
  const texts = range(rows).map((j) => logSumExp(range(rows).map((i) => z(i, j))) - z(j, j));
  const pairs = range(rows).flatMap((i) =>
    range(columns).map((j) => Math.log1p(Math.exp(i === j ? -z(i, j) : z(i, j)))),
  );
  const soft = program.float32('soft')[0] ?? Number.NaN;
  const sigmoid = program.float32('sigmoid')[0] ?? Number.NaN;
  assert.ok(Math.abs(soft - (total(images) + total(texts)) / (2 * rows)) < ROUNDING, `softmax: ${soft}`);
  assert.ok(Math.abs(sigmoid - total(pairs) / rows) < ROUNDING, `sigmoid: ${sigmoid}`);
});

test('patches are cut row by row, their values in the order asked', () => {
  // Two channels of 2 x 4 pixels: 0..7 and 10..17.
  const values = Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15, 16, 17);
  const image = { values, channels: 2, height: 2, width: 4 };
  const chw = cutPatches({ channels: 2, size: 2, order: 'chw' }, image);
  assert.deepEqual([...chw], [0, 1, 4, 5, 10, 11, 14, 15, 2, 3, 6, 7, 12, 13, 16, 17]);
  const hwc = cutPatches({ channels: 2, size: 2, order: 'hwc' }, image);
  assert.deepEqual([...hwc], [0, 10, 1, 11, 4, 14, 5, 15, 2, 12, 3, 13, 6, 16, 7, 17]);
  assert.throws(
    () => cutPatches({ channels: 2, size: 4, order: 'chw' }, image),
    /whole patches of 4 x 4 pixels, found 2 x 2 x 4/,
  );
});

test('a text is pooled at its largest id, or at the first of an id, or at its start where that is not there', () => {
  const rows = Int32Array.of(1, 9, 9, 0, 1, 2, 3, 4);
  assert.deepEqual([...pooledPlaces(rows, 4, { kind: 'largest' })], [1, 7]);
  assert.deepEqual([...pooledPlaces(rows, 4, { kind: 'first', id: 9 })], [1, 4]);
  assert.deepEqual([...pooledPlaces(rows, 4, { kind: 'first', id: 3 })], [0, 6]);
});

test('descriptions that do not fit together are refused', () => {
  assert.throws(() => smallTowers({ ...SMALL, width: 5 }), /whole patches and sizes/);
  assert.throws(() => smallTowers({ ...SMALL, nHeads: 3 }), /heads that divide the width 8, found 3 heads/);
  const { image, ...rest } = smallTowers(SMALL);
  assert.throws(() => towerParameters({ ...rest, image: { ...image, pooling: 'class' } }), /a class token/);
  assert.throws(() => towerParameters({ ...rest, image: { ...image, projection: 5 } }), /one width/);
});
