/**
 * What two towers hold at every depth, as their own ends read it: the stream after a block is given to the last norm, the pooling and the projection
 * as if it were the last block's. `own` reads the tower's own pooled token or head; `mean` gives every token the mean of all tokens first,
 * so that nothing but the bag of tokens is left. After the last block `own` is the model's embedding.
 * Invariant: right after the embeddings, `mean` is a function of sums over patches or tokens alone, and so equal for two scenes or
 * captions whose sums are equal.
 */
import { div, mul } from '#engine/ops/elementwise.ts';
import { broadcastTo, reshape, slice, sum } from '#engine/ops/layout.ts';
import { input } from '#engine/ops/sources.ts';
import { compile, type Program } from '#engine/session.ts';
import type { Tensor } from '#engine/tensor.ts';
import type { Captions } from '#learning/files/towers/captions.ts';
import { imageBatch, textBatch, type TowerBatch } from '#learning/files/towers/readings.ts';
import type { TowersDescription } from '#learning/files/towers/towers-config.ts';
import type { EncoderConfig, TowersConfig } from '#learning/models/towers/config.ts';
import { IMAGE, TEXT, towerSites } from '#learning/models/towers/modules.ts';
import { towerParameters } from '#learning/models/towers/parameters.ts';
import { imageTower, textTower } from '#learning/models/towers/towers.ts';
import { feedLayers, type Layers } from '#learning/nn/layers.ts';
import { recordingSites, replaceBy, withSites } from '#learning/nn/sites.ts';

/** Ways to read a depth: `own` and `mean` in the shared space, `pooled` like `own` before the projection. */
export const READOUTS = ['own', 'mean', 'pooled'] as const;
export type Readout = (typeof READOUTS)[number];

/** The name of a program's output: layer 0 is right after the embeddings, layer l after block l. */
export function outputName(readout: Readout, layer: number): string {
  return `${readout} ${layer}`;
}

/** The image tower of a batch, fed as `imageBatch` is. Outputs by `outputName`, shape [B, E], of `pooled` [B, D]. */
export async function imageLens(
  described: TowersDescription,
  rows: number,
  patches: number | undefined,
): Promise<Program> {
  const { config } = described;
  const { image } = config;
  const batch = imageBatch(described, rows, patches);
  const length = batch.length - batch.skipped;
  const { channels, size, rows: gridRows, columns, grid } = image.patches;
  const inputs = {
    patches: input('patches', [rows * length, channels * size * size]),
    ...(grid === 'resized' && {
      placement: input('placement', [rows * length, gridRows * columns]),
      attended: batch.present,
    }),
  };
  const streams = [IMAGE.embeddings, ...blockEnds(image.encoder, IMAGE.block)];
  return depths(config, streams, IMAGE.pooled, batch, (layers) => imageTower(image, layers, { rows, length }, inputs));
}

/** The text tower of a batch, fed as `textBatch` is. Outputs by `outputName`, shape [B, E], of `pooled` [B, D]. */
export async function textLens(
  described: TowersDescription,
  captions: Captions,
  rows: number,
  length: number,
): Promise<Program> {
  const { config } = described;
  const { text } = config;
  const batch = textBatch(described, captions, rows, length);
  const inputs = {
    tokens: input('tokens', [rows * length], 'int32'),
    ...(text.pooling === 'at' && { pooledAt: batch.pooledAt }),
    ...(captions.masksPadding && { attended: batch.present }),
  };
  const streams = [TEXT.embeddings, ...blockEnds(text.encoder, TEXT.block)];
  return depths(config, streams, TEXT.pooled, batch, (layers) => textTower(text, layers, { rows, length }, inputs));
}

function blockEnds(
  { nLayers }: EncoderConfig,
  blockOf: (layer: number) => { readonly out: string },
): readonly string[] {
  return Array.from({ length: nLayers }, (_, layer) => blockOf(layer).out);
}

type Batch = Pick<TowerBatch<never>, 'rows' | 'length' | 'skipped' | 'present'>;

/** Builds the tower for every depth and readout; what is equal in them is merged when the graph is lowered. */
async function depths(
  config: TowersConfig,
  streams: readonly string[],
  pooledSite: string,
  batch: Batch,
  build: (layers: Layers) => Tensor,
): Promise<Program> {
  const [sites, plain] = [towerSites(config), feedLayers(towerParameters(config))];
  const last = streams.at(-1) ?? '';
  const outputs: Record<string, Tensor> = {};
  // The streams of the tower as it is.
  const whole = recordingSites(plain, sites, streams);
  build(whole.layers);
  for (const [layer, site] of streams.entries()) {
    const stream = whole.recorded.get(site);
    if (stream === undefined) throw new Error(`lens: the tower did not pass ${site}`);
    const own = recordingSites(withSites(plain, sites, { [last]: replaceBy(stream) }), sites, [pooledSite]);
    outputs[outputName('own', layer)] = build(own.layers);
    outputs[outputName('pooled', layer)] = own.recorded.get(pooledSite) ?? stream;
    outputs[outputName('mean', layer)] = build(
      withSites(plain, sites, { [last]: replaceBy(spreadMean(stream, batch)) }),
    );
  }
  return compile(outputs, { scratch: 'returned' });
}

/** Every token as the mean of its row: patches without a class token, tokens without padding; shape [B T, D] as before. */
function spreadMean(stream: Tensor, { rows, length, skipped, present }: Batch): Tensor {
  const width = stream.shape[1] ?? 0;
  const tokens = slice(reshape(stream, [rows, length, width]), 1, skipped, length);
  const weights = reshape(present, [rows, length - skipped, 1]);
  const mean = div(sum(mul(tokens, weights), [1]), sum(weights, [1]));
  return reshape(broadcastTo(reshape(mean, [rows, 1, width]), [rows, length, width]), [rows * length, width]);
}
