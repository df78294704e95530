/**
 * Cross-entropy (loss) recovered: how much of what a site is worth to a model its reconstruction is worth, against zeros at that site.
 * @see Bricken et al. 2023; SAELens's `ce_loss_score`.
 */
import { AssayError } from '#base/errors.ts';
import { compile, type Program } from '#engine/session.ts';
import { crossEntropy, weightedSum } from '#engine/ops/network.ts';
import { input } from '#engine/ops/sources.ts';
import type { Tensor } from '#engine/tensor.ts';
import {
  bindWeights,
  checkSequences,
  feedsOf,
  type StreamModel,
  TOKENS,
} from '#learning/activations/model-activations.ts';
import { modelPlace, placeSites } from '#learning/models/hook-points.ts';
import { transformerLogits } from '#learning/models/transformer.ts';
import { type SiteEdit, withSites, zeroSite } from '#learning/nn/sites.ts';
import { spliceInput, spliceSae } from '#learning/sae/splice.ts';
import type { Sae } from '#learning/sae/sae-trainer.ts';

/** Mean losses of the next token, in nats. */
export interface LossRecovered {
  /** The model as it is. */
  readonly clean: number;
  /** With the reconstruction at the site. */
  readonly spliced: number;
  /** With zeros at the site. */
  readonly zeroed: number;
  /** (zeroed - spliced) / (zeroed - clean): 1 where nothing is lost; NaN where zeros cost nothing. */
  readonly recovered: number;
}

/**
 * Measures over sequences of tokens, every position of the site edited.
 * @param site One of `hookPoints(config)` or of `transformerSites(config)`.
 * @param sequences Each of 2 to `length` tokens; the first `rows` of them share a batch, and so on.
 * @throws AssayError on other sequences, a site that the model does not have or that is of another width, and weights that the autoencoder lacks.
 */
export async function lossRecovered(
  model: StreamModel,
  site: string,
  sae: Sae,
  sequences: readonly Int32Array[],
  { rows, length, threads = 1 }: { readonly rows: number; readonly length: number; readonly threads?: number },
): Promise<LossRecovered> {
  checkSequences('lossRecovered', sequences, { least: 2, length, vocabulary: model.config.vocabulary });
  const place = modelPlace(model.config, site);
  if (sae.config.dIn !== place.width) {
    throw new AssayError(
      'data',
      `lossRecovered: expected an autoencoder of rows of ${place.width} numbers, as "${site}" has them, found one of ${sae.config.dIn}.`,
    );
  }
  const edits: Readonly<Record<string, SiteEdit | undefined>> = {
    clean: undefined,
    spliced: spliceSae(sae.config),
    zeroed: zeroSite,
  };
  const losses = Object.entries(edits).map(([name, edit]): [string, Tensor] => [
    name,
    lossUnder(model, place.site, edit, { rows, length }),
  ]);
  await using program = await compile(Object.fromEntries(losses), { threads, scratch: 'returned' });
  bindWeights(program, model);
  bindSpliced(program, sae);
  const sums = { clean: 0, spliced: 0, zeroed: 0 };
  let predicted = 0;
  for (let from = 0; from < sequences.length; from += rows) {
    const { tokens, labels, weights, count } = feedsOf(sequences.slice(from, from + rows), rows, length);
    program.int32(TOKENS).set(tokens);
    program.int32('labels').set(labels);
    program.float32('weights').set(weights);
    await program.run();
    for (const name of ['clean', 'spliced', 'zeroed'] as const) sums[name] += program.float32(name)[0] ?? Number.NaN;
    predicted += count;
  }
  const [clean, spliced, zeroed] = [sums.clean / predicted, sums.spliced / predicted, sums.zeroed / predicted];
  const worth = zeroed - clean;
  return { clean, spliced, zeroed, recovered: worth === 0 ? Number.NaN : (zeroed - spliced) / worth };
}

function bindSpliced(program: Program, { weights }: Sae): void {
  for (const [name, values] of weights) program.bindIfKnown(spliceInput(name), values);
  const known = new Set(Array.from(weights.keys(), spliceInput));
  const lacking = program.inputs.find(({ name }) => name.startsWith(spliceInput('')) && !known.has(name));
  if (lacking === undefined) return;
  throw new AssayError('data', `lossRecovered: expected an autoencoder with "${lacking.name}", found it without.`);
}

function lossUnder(
  { config, layers }: StreamModel,
  site: string,
  edit: SiteEdit | undefined,
  batch: { readonly rows: number; readonly length: number },
): Tensor {
  const edited = withSites(layers, placeSites(config), edit === undefined ? {} : { [site]: edit });
  const count = batch.rows * batch.length;
  const logits = transformerLogits(config, edited, batch, input(TOKENS, [count], 'int32'));
  return weightedSum(crossEntropy(logits, input('labels', [count], 'int32')), input('weights', [count]));
}
