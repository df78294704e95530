/**
 * What two towers hold at every depth, as their own ends read it: the stream after a block is given to the last norm, the pooling and the projection
 * as if it were the last block's. `own` reads the tower's own pooled token or head; `mean` gives every token the mean of all tokens first,
 * so that nothing but the bag of tokens is left. After the last block `own` is the model's embedding.
 * Invariant: right after the embeddings, `mean` is a function of sums over patches or tokens alone, and so equal for two scenes or
 * captions whose sums are equal.
 */
import { mul } from '#engine/ops/elementwise.ts';
import { broadcastTo, reshape, slice, sum } from '#engine/ops/layout.ts';
import { input } from '#engine/ops/sources.ts';
import { compile, type Program } from '#engine/session.ts';
import type { Tensor } from '#engine/tensor.ts';
import type { ImageTowerConfig, TextTowerConfig, TowersConfig } from '#learning/models/towers/config.ts';
import { IMAGE, TEXT, towerSites } from '#learning/models/towers/modules.ts';
import { towerParameters } from '#learning/models/towers/parameters.ts';
import { imageTower, textTower } from '#learning/models/towers/towers.ts';
import type { BatchShape } from '#learning/models/transformer.ts';
import { feedLayers, type Layers } from '#learning/nn/layers.ts';
import { recordingSites, replaceBy, withSites } from '#learning/nn/sites.ts';

/** Ways to read a depth: `own` and `mean` in the shared space, `pooled` like `own` before the projection. */
export const READOUTS = ['own', 'mean', 'pooled'] as const;
export type Readout = (typeof READOUTS)[number];

/** The name of a program's output: layer 0 is right after the embeddings, layer l after block l. */
export function outputName(readout: Readout, layer: number): string {
  return `${readout} ${layer}`;
}

/**
 * The image tower of B images of N patches. Feeds: `patches`, shape [B N, C P P]; where positions are resized also `placement`, shape
 * [B N, rows columns]. Outputs by `outputName`, shape [B, E] or [B, D].
 */
export async function imageLens(config: TowersConfig, batch: BatchShape): Promise<Program> {
  const { image } = config;
  const { patches, classToken } = image;
  const { rows, length } = batch;
  const inputs = {
    patches: input('patches', [rows * length, patches.channels * patches.size ** 2]),
    ...(patches.grid === 'resized' && {
      placement: input('placement', [rows * length, patches.rows * patches.columns]),
    }),
  };
  const first = Number(classToken);
  const whole = { rows, length: length + first };
  const mean = (stream: Tensor): Tensor => {
    const byRow = reshape(stream, [rows, whole.length, image.encoder.dModel]);
    return mul(sum(slice(byRow, 1, first, whole.length), [1]), 1 / length);
  };
  const streams = [IMAGE.embeddings, ...blockEnds(image, IMAGE.block)];
  return depths(config, streams, IMAGE.pooled, whole, mean, (layers) => imageTower(image, layers, batch, inputs));
}

/**
 * The text tower of B texts of T tokens. Feeds: `tokens` [B T], `attended` [B, T], `pooledAt` [B] where the tower pools at a fed place, and
 * `meanOf` [B, T], the weights of the mean, each row's sum 1.
 */
export async function textLens(config: TowersConfig, batch: BatchShape): Promise<Program> {
  const { text } = config;
  const { rows, length } = batch;
  const inputs = {
    tokens: input('tokens', [rows * length], 'int32'),
    attended: input('attended', [rows, length]),
    ...(text.pooling === 'at' && { pooledAt: input('pooledAt', [rows], 'int32') }),
  };
  const weights = reshape(input('meanOf', [rows, length]), [rows, length, 1]);
  const mean = (stream: Tensor): Tensor => sum(mul(reshape(stream, [rows, length, text.encoder.dModel]), weights), [1]);
  const streams = [TEXT.embeddings, ...blockEnds(text, TEXT.block)];
  return depths(config, streams, TEXT.pooled, batch, mean, (layers) => textTower(text, layers, batch, inputs));
}

function blockEnds(
  { encoder }: ImageTowerConfig | TextTowerConfig,
  blockOf: (layer: number) => { readonly out: string },
): readonly string[] {
  return Array.from({ length: encoder.nLayers }, (_, layer) => blockOf(layer).out);
}

/** Builds the tower once for every depth and readout; what is equal in them is merged when the graph is lowered. */
async function depths(
  config: TowersConfig,
  streams: readonly string[],
  pooledSite: string,
  { rows, length }: BatchShape,
  mean: (stream: Tensor) => Tensor,
  build: (layers: Layers) => Tensor,
): Promise<Program> {
  const [sites, plain] = [towerSites(config), feedLayers(towerParameters(config))];
  const last = streams.at(-1) ?? '';
  const outputs: Record<string, Tensor> = {};
  for (const [layer, site] of streams.entries()) {
    // The stream of this depth, read off the tower as it is.
    const seen = recordingSites(plain, sites, [site]);
    build(seen.layers);
    const stream = seen.recorded.get(site);
    if (stream === undefined) throw new Error(`lens: site ${site} was not passed`);
    const width = stream.shape[1] ?? 0;
    const spread = reshape(broadcastTo(reshape(mean(stream), [rows, 1, width]), [rows, length, width]), [
      rows * length,
      width,
    ]);
    const own = recordingSites(withSites(plain, sites, { [last]: replaceBy(stream) }), sites, [pooledSite]);
    outputs[outputName('own', layer)] = build(own.layers);
    outputs[outputName('pooled', layer)] = own.recorded.get(pooledSite) ?? stream;
    outputs[outputName('mean', layer)] = build(withSites(plain, sites, { [last]: replaceBy(spread) }));
  }
  return compile(outputs, { scratch: 'returned' });
}
