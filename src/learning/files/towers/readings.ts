/**
 * What is read of two towers at their depths: of each stream the mean over its tokens, and the token at which it is pooled;
 * and the programs that give it, batch by batch.
 */
import { AssayError, nearestName } from '#base/errors.ts';
import { div, mul } from '#engine/ops/elementwise.ts';
import { gather } from '#engine/ops/indexing.ts';
import { reshape, slice, sum } from '#engine/ops/layout.ts';
import { input } from '#engine/ops/sources.ts';
import type { Program } from '#engine/session.ts';
import type { Tensor } from '#engine/tensor.ts';
import type { CaptionRow, Captions } from '#learning/files/towers/captions.ts';
import { placements } from '#learning/files/towers/placement.ts';
import type { TowersDescription } from '#learning/files/towers/towers-config.ts';
import type { TowersConfig } from '#learning/models/towers/config.ts';
import { croppedPixels, cutPatches, pooledPlaces, type Pixels } from '#learning/models/towers/inputs.ts';
import { imageDepths, textDepths, type TowerDepth, towerSites } from '#learning/models/towers/modules.ts';
import { towerParameters } from '#learning/models/towers/parameters.ts';
import { imageTower, textTower } from '#learning/models/towers/towers.ts';
import { feedLayers } from '#learning/nn/layers.ts';
import { recordingSites } from '#learning/nn/sites.ts';

/** One vector an image or caption, at one place of its tower. */
export interface DepthReading {
  /** A site of the tower, see `imageDepths` and `textDepths`. */
  readonly site: string;
  /**
   * `mean`: over the patches (without a class token) or the tokens (without padding). `token`: the one at which the tower
   * pools, which is the class token, the end of a text or its last token. `row`: where there is one vector anyway.
   */
  readonly of: 'mean' | 'token' | 'row';
  readonly width: number;
}

/** Vectors by reading, in the order asked: shape [items, width], row-major. */
export interface TowerEmbeddings {
  readonly items: number;
  readonly readings: readonly (DepthReading & { readonly values: Float32Array<ArrayBuffer> })[];
}

/** Everything that can be read of each tower, in the order of depth. */
export function readingsOf({ image, text }: TowersConfig): {
  readonly image: readonly DepthReading[];
  readonly text: readonly DepthReading[];
} {
  const readings = (depths: readonly TowerDepth[], hasToken: boolean): readonly DepthReading[] =>
    depths.flatMap(({ site, per, width }): DepthReading[] => {
      if (per === 'row') return [{ site, of: 'row', width }];
      return [{ site, of: 'mean', width }, ...(hasToken ? [{ site, of: 'token', width } as const] : [])];
    });
  return {
    image: readings(imageDepths(image), image.classToken),
    text: readings(textDepths(text), text.pooling !== 'mean'),
  };
}

/** A batch of B items of T tokens each, how it is fed, and where its streams are. */
export interface TowerBatch<Item> {
  readonly rows: number;
  /** Tokens of a row in the streams. */
  readonly length: number;
  /** Tokens at the start of a row that a mean leaves out. */
  readonly skipped: number;
  readonly streams: ReadonlyMap<string, Tensor>;
  /** 1 for what a mean counts, shape [B, T - skipped]. */
  readonly present: Tensor;
  /** The flat index of each row's pooled token, int32 [B]. */
  readonly pooledAt: Tensor;
  /** Writes an item into row `row` of the program's inputs. */
  feed(program: Program, row: number, item: Item): void;
}

/** @param patches The most patches an image has, where images have sizes of their own. */
export function imageBatch(described: TowersDescription, rows: number, patches?: number): TowerBatch<Pixels> {
  const { image } = described.config;
  const { channels, size, rows: gridRows, columns, grid } = image.patches;
  const length = patches ?? gridRows * columns;
  const dPatch = channels * size * size;
  const places = gridRows * columns;
  const isResized = grid === 'resized';
  const present = input('present', [rows, length]);
  const { layers, recorded } = recordingSites(
    feedLayers(towerParameters(described.config)),
    towerSites(described.config),
  );
  imageTower(
    image,
    layers,
    { rows, length },
    {
      patches: input('patches', [rows * length, dPatch]),
      ...(isResized ? { placement: input('placement', [rows * length, places]), attended: present } : {}),
    },
  );
  const skipped = Number(image.classToken);
  return {
    rows,
    length: length + skipped,
    skipped,
    streams: recorded,
    present,
    pooledAt: input('pooled at', [rows], 'int32'),
    feed(program, row, pixels) {
      const whole = isResized ? pixels : croppedPixels(pixels, gridRows * size);
      const shape = [whole.height / size, whole.width / size] as const;
      const own = program.float32('patches').subarray(row * length * dPatch, (row + 1) * length * dPatch);
      cutPatches(image.patches, whole, own.fill(0));
      if (isResized) {
        program.float32('placement').set(placements(shape, [gridRows, columns], length), row * length * places);
      }
      if (program.has('present')) {
        program.float32('present').fill(0, row * length, (row + 1) * length);
        program.float32('present').fill(1, row * length, row * length + shape[0] * shape[1]);
      }
      if (program.has('pooled at')) program.int32('pooled at')[row] = row * (length + skipped);
    },
  };
}

/**
 * The length at which a caption is read. Where a token sees only those before it, padding at the end changes nothing, so a
 * caption is read at its own length, rounded up to a multiple of 8; elsewhere at the tower's.
 */
export function lengthOf(
  { config, pooledPlace }: TowersDescription,
  captions: Captions,
  { count }: CaptionRow,
): number {
  const { causal, length } = config.text;
  const isIdle = causal && pooledPlace !== null && captions.paddingSide === 'right';
  return isIdle ? Math.min(length, Math.max(8, Math.ceil(count / 8) * 8)) : length;
}

/** @param length Of each row; captions are cut to it, which `lengthOf` makes harmless. */
export function textBatch(
  described: TowersDescription,
  captions: Captions,
  rows: number,
  length: number,
): TowerBatch<CaptionRow> {
  const { text } = described.config;
  const { pooledPlace } = described;
  const present = input('present', [rows, length]);
  const pooledAt = input('pooled at', [rows], 'int32');
  const { layers, recorded } = recordingSites(
    feedLayers(towerParameters(described.config)),
    towerSites(described.config),
  );
  textTower(
    text,
    layers,
    { rows, length },
    {
      tokens: input('tokens', [rows * length], 'int32'),
      ...(text.pooling === 'at' ? { pooledAt } : {}),
      ...(captions.masksPadding ? { attended: present } : {}),
    },
  );
  return {
    rows,
    length,
    skipped: 0,
    streams: recorded,
    present,
    pooledAt,
    feed(program, row, { tokens: whole, count }) {
      const tokens = whole.subarray(0, length);
      program.int32('tokens').set(tokens, row * length);
      if (program.has('present')) {
        const own = program
          .float32('present')
          .subarray(row * length, (row + 1) * length)
          .fill(0);
        if (captions.paddingSide === 'left') own.fill(1, length - count);
        else own.fill(1, 0, count);
      }
      const place = pooledPlace === null ? length - 1 : (pooledPlaces(tokens, length, pooledPlace)[0] ?? 0);
      if (program.has('pooled at')) program.int32('pooled at')[row] = row * length + place;
    },
  };
}

/** The outputs of a program that reads a tower. @throws AssayError on a reading that the tower does not have. */
export function readingOutputs<Item>(
  batch: TowerBatch<Item>,
  known: readonly DepthReading[],
  readings: readonly DepthReading[],
): Readonly<Record<string, Tensor>> {
  const names = known.map(outputName);
  const unknown = readings.map(outputName).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const nearest = nearestName(unknown, names);
    throw new AssayError('config', `Reading "${unknown}": the tower has none; did you mean "${nearest}"?`);
  }
  return Object.fromEntries(readings.map((reading) => [outputName(reading), readingTensor(batch, reading)]));
}

function outputName({ site, of }: DepthReading): string {
  return `${of} of ${site}`;
}

function readingTensor<Item>(batch: TowerBatch<Item>, { site, of, width }: DepthReading): Tensor {
  const stream = batch.streams.get(site);
  if (stream === undefined) throw new Error(`no site ${site}`);
  if (of === 'row') return stream;
  if (of === 'token') return gather(stream, batch.pooledAt);
  const { rows, length, skipped } = batch;
  const tokens = slice(reshape(stream, [rows, length, width]), 1, skipped, length);
  const weights = reshape(batch.present, [rows, length - skipped, 1]);
  return div(sum(mul(tokens, weights), [1]), sum(weights, [1]));
}

/** An item, and where its vectors stand among those of all. */
export interface Placed<Item> {
  readonly at: number;
  readonly item: Item;
}

/** Memory for the vectors of so many items. */
export function emptyEmbeddings(items: number, readings: readonly DepthReading[]): TowerEmbeddings {
  return {
    items,
    readings: readings.map((reading) => ({ ...reading, values: new Float32Array(items * reading.width) })),
  };
}

/** Embeds items of one batch into their places; rows that a last batch has too many hold its first item and are dropped. */
export async function embedBatch<Item>(
  items: readonly Placed<Item>[],
  batch: TowerBatch<Item>,
  program: Program,
  into: TowerEmbeddings,
): Promise<void> {
  for (let row = 0; row < batch.rows; row++) {
    const placed = items[row] ?? items[0];
    if (placed !== undefined) batch.feed(program, row, placed.item);
  }
  await program.run();
  for (const { values, ...reading } of into.readings) {
    const found = program.float32(outputName(reading));
    const { width } = reading;
    items.forEach(({ at }, row) => values.set(found.subarray(row * width, (row + 1) * width), at * width));
  }
}
