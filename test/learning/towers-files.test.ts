/** CLIP, SigLIP and SigLIP 2 folders against transformers: every depth, logits, gradients, and every setting of a config. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import type { Json, JsonObject } from '#base/json.ts';
import { differentiate } from '#engine/differentiate.ts';
import { input } from '#engine/ops/sources.ts';
import { compile, type Program } from '#engine/session.ts';
import type { Tensor } from '#engine/tensor.ts';
import { modelFolder } from '#learning/files/hugging-face/model-folder.ts';
import { openFolderWeights } from '#learning/files/tensors/sharded.ts';
import { placements } from '#learning/files/towers/placement.ts';
import { towersConfig, type TowersDescription } from '#learning/files/towers/towers-config.ts';
import { towersWeights } from '#learning/files/towers/towers-weights.ts';
import {
  learnedScaling,
  pairLogits,
  sigmoidContrastive,
  softmaxContrastive,
} from '#learning/models/towers/contrastive.ts';
import { croppedPixels, cutPatches, pooledPlaces } from '#learning/models/towers/inputs.ts';
import { towerSites } from '#learning/models/towers/modules.ts';
import { towerParameters } from '#learning/models/towers/parameters.ts';
import { imageTower, textTower } from '#learning/models/towers/towers.ts';
import { feedLayers, type Layers } from '#learning/nn/layers.ts';
import { recordingSites } from '#learning/nn/sites.ts';

import { REFERENCE, type Stored, TOWERS, type TowersReference } from './towers-reference.ts';

/** Of the largest number: float32 through the tower against float64. */
const TOLERANCE = 3e-6;
/** A gradient is a longer way. */
const GRADIENT_TOLERANCE = 2e-5;

type Feeds = ReadonlyMap<string, Float32Array | Int32Array>;

const [ROWS, TOKENS] = [3, 5];

for (const [name, reference] of Object.entries(REFERENCE)) {
  const json = configOf(name);
  const described = towersConfig(json, name);

  test(`${name}: the stream at every depth and the logits are those of transformers`, async () => {
    const { layers, recorded } = recordingSites(
      feedLayers(towerParameters(described.config)),
      towerSites(described.config),
    );
    const { logits } = pair(described, layers, reference);
    await using program = await compile({ ...Object.fromEntries(recorded), logits });
    await bindAll(program, name, described, inputsOf(described, reference));
    await program.run();
    for (const [site, { data }] of Object.entries(reference.depths)) assertClose(program.float32(site), data, site);
    const untold = [...recorded.keys()].filter((site) => reference.depths[site] === undefined);
    assert.deepEqual(untold, ['vision_model.pooled', 'text_model.pooled']);
    assertClose(program.float32('logits'), reference.logits, 'logits');
  });

  test(`${name}: the contrastive loss and its gradient for every parameter are those of transformers`, async () => {
    const specs = towerParameters(described.config);
    const layers = feedLayers(specs);
    const { logits } = pair(described, layers, reference);
    const loss = described.family === 'clip' ? softmaxContrastive(logits) : sigmoidContrastive(logits);
    const gradients = differentiate(
      loss,
      specs.map((spec) => layers.parameter(spec.name)),
    );
    const named = specs.map((spec, i): [string, Tensor] => [`d ${spec.name}`, gradients[i] ?? loss]);
    await using program = await compile({ loss, ...Object.fromEntries(named) });
    await bindAll(program, name, described, inputsOf(described, reference));
    await program.run();
    assertClose(program.float32('loss'), [reference.loss], 'loss');
    const expected = new Map(Object.entries(reference.gradients));
    const largest = Math.max(...Array.from(expected.values(), Math.abs));
    for (const spec of specs) {
      const gradient = program.float32(`d ${spec.name}`);
      const found = gradient.reduce((sum, value, i) => sum + value * Math.sin(i + 1), 0);
      const stored =
        described.family === 'clip' ? spec.name : spec.name.replace('text_projection.', 'text_model.head.');
      const wanted = expected.get(stored) ?? assert.fail(`no reference for ${stored}`);
      assert.ok(Math.abs(found - wanted) < GRADIENT_TOLERANCE * largest, `${spec.name}: ${found}, expected ${wanted}`);
    }
    assert.equal(expected.size, specs.length);
  });

  for (const [setting, { settings, logits }] of Object.entries(reference.variants)) {
    test(`${name}, ${setting}: logits are those of transformers, and others than without`, async () => {
      const changed = towersConfig(withSettings(json, settings), name);
      assertClose(await logitsOf(name, changed, reference, inputsOf(changed, reference)), logits, setting);
      const isUnread = setting === 'ends are not read';
      assert.equal(isUnread, JSON.stringify(logits) === JSON.stringify(reference.logits));
    });
  }

  for (const [mask, { attended, logits }] of Object.entries(reference.masks)) {
    test(`${name}, ${mask}: logits are those of transformers`, async () => {
      const feeds = new Map([
        ...inputsOf(described, reference),
        ['attended', Float32Array.from(attended.flat())] as const,
      ]);
      assertClose(await logitsOf(name, described, reference, feeds), logits, mask);
    });
  }
}

function configOf(name: string): JsonObject {
  return JSON.parse(readFileSync(join(TOWERS, name, 'config.json'), 'utf8')) as JsonObject;
}

/** A config with some settings changed, by their dotted paths. */
function withSettings(json: JsonObject, settings: Readonly<Record<string, unknown>>): JsonObject {
  const changed = structuredClone(json) as Record<string, Json>;
  for (const [path, value] of Object.entries(settings)) {
    const [part = '', key] = path.split('.');
    if (key === undefined) changed[part] = value as Json;
    else changed[part] = { ...(changed[part] as JsonObject), [key]: value as Json };
  }
  return changed;
}

function storedOf(reference: TowersReference, name: string): Stored {
  return reference.inputs[name] ?? assert.fail(`no input ${name}`);
}

/** Patches an image. */
function patchesOf({ config, imageSize }: TowersDescription, reference: TowersReference): number {
  const { rows, columns } = config.image.patches;
  return imageSize === null ? (storedOf(reference, 'pixel_values').shape[1] ?? 0) : rows * columns;
}

function pair(described: TowersDescription, layers: Layers, reference: TowersReference): { readonly logits: Tensor } {
  const { config, imageSize } = described;
  const { channels, size, rows, columns } = config.image.patches;
  const length = patchesOf(described, reference);
  const images = imageTower(
    config.image,
    layers,
    { rows: ROWS, length },
    {
      patches: input('patches', [ROWS * length, channels * size * size]),
      ...(imageSize === null
        ? { placement: input('placement', [ROWS * length, rows * columns]), attended: input('present', [ROWS, length]) }
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
      ...(described.pooledPlace === null ? {} : { pooledAt: input('pooled at', [ROWS], 'int32') }),
    },
  );
  return { logits: pairLogits(images, texts, learnedScaling(config, layers)) };
}

function inputsOf(described: TowersDescription, reference: TowersReference): Feeds {
  const ids = Int32Array.from(storedOf(reference, 'input_ids').data);
  const seen = reference.inputs['attention_mask']?.data ?? Array.from(ids, () => 1);
  const place = described.pooledPlace;
  const pooledAt = place === null ? [] : [['pooled at', pooledPlaces(ids, TOKENS, place)] as const];
  return new Map<string, Float32Array | Int32Array>([
    ['tokens', ids],
    ['attended', Float32Array.from(seen)],
    ...pooledAt,
    ...imageInputs(described, reference),
  ]);
}

function imageInputs(
  { config, imageSize }: TowersDescription,
  reference: TowersReference,
): readonly (readonly [string, Float32Array])[] {
  const pixels = storedOf(reference, 'pixel_values');
  const { patches } = config.image;
  if (imageSize === null) {
    const shapes = storedOf(reference, 'spatial_shapes').data;
    const length = pixels.shape[1] ?? 0;
    const placement = Array.from({ length: ROWS }, (__, i) => [
      ...placements([shapes[2 * i] ?? 0, shapes[2 * i + 1] ?? 0], [patches.rows, patches.columns], length),
    ]);
    return [
      ['patches', Float32Array.from(pixels.data)],
      ['placement', Float32Array.from(placement.flat())],
      ['present', Float32Array.from(storedOf(reference, 'pixel_attention_mask').data)],
    ];
  }
  const [, channels = 0, height = 0, width = 0] = pixels.shape;
  const each = channels * height * width;
  const cut = Array.from({ length: ROWS }, (__, i) => {
    const values = Float32Array.from(pixels.data.slice(i * each, (i + 1) * each));
    const whole = croppedPixels({ values, channels, height, width }, patches.rows * patches.size);
    return [...cutPatches(patches, whole)];
  });
  return [['patches', Float32Array.from(cut.flat())]];
}

async function bindAll(program: Program, name: string, described: TowersDescription, feeds: Feeds): Promise<void> {
  await using source = await openFolderWeights(await modelFolder(join(TOWERS, name), 'towers'));
  const weights = await towersWeights(source, described);
  for (const parameter of weights.shapes.keys()) program.bindIfKnown(parameter, await weights.tensor(parameter));
  for (const [fed, values] of feeds) program.bindIfKnown(fed, values);
}

async function logitsOf(
  name: string,
  described: TowersDescription,
  reference: TowersReference,
  feeds: Feeds,
): Promise<Float32Array> {
  const { logits } = pair(described, feedLayers(towerParameters(described.config)), reference);
  await using program = await compile({ logits });
  await bindAll(program, name, described, feeds);
  await program.run();
  return program.float32('logits').slice();
}

function assertClose(found: ArrayLike<number>, expected: readonly number[], what: string): void {
  assert.equal(found.length, expected.length, what);
  const largest = Math.max(...expected.map(Math.abs));
  expected.forEach((value, i) => {
    const off = Math.abs((found[i] ?? Number.NaN) - value);
    assert.ok(off < TOLERANCE * largest, `${what}[${i}]: ${found[i]}, expected ${value}`);
  });
}
