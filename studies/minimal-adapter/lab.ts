/**
 * What runs of one shape share: the learner of an adapter on the persona base, and programs that read the model as it is, without
 * what lies along a direction, and with a vector added.
 */
import {
  ablateDirection,
  addVector,
  applyMethod,
  type BatchShape,
  constant,
  createLearner,
  crossEntropy,
  feedLayers,
  input,
  klDivergence,
  type Layers,
  type Learner,
  mean,
  type Reader,
  recordingSites,
  type Tensor,
  transformerLogits,
  transformerSites,
  weightedSum,
  withSites,
} from 'assay/learn';
import { PERSONA_BASE, personaModel } from 'assay/studies/misalignment/base.ts';
import { PERSONA_LANGUAGE } from 'assay/studies/misalignment/world.ts';

import { type AdapterConfig, methodOf, siteOf } from './config.ts';

const MODEL = personaModel(PERSONA_BASE);
const SITES = transformerSites(MODEL);
const { questionTokens, questions, questionsPerDomain } = PERSONA_LANGUAGE;
/** Questions of the domain, and of the seven others. */
export const ASKED = { own: questionsPerDomain, others: questions - questionsPerDomain } as const;
/** Width of the residual stream. */
export const WIDTH = MODEL.dModel;

export interface AdapterLab extends AsyncDisposable {
  readonly learner: Learner;
  /**
   * Inputs `tokens` and `labels` of the domain's own questions, `others`, `harmful` and `helpful` of the other domains; outputs the losses
   * `own`, `harm`, `help`, and `stream`, what stands at the direction's site at the last place of each other question, shape [336, D].
   */
  readonly plain: Reader;
  /** Inputs `others`, `harmful`, `helpful` and `direction` [D]; outputs `harm` and `help` where the site has nothing along it. */
  readonly without: Reader;
  /** As `without`, with `direction` added at every place of the site. */
  readonly added: Reader;
}

/** Builds and compiles the lab of a config. */
export async function createAdapterLab(config: AdapterConfig): Promise<AdapterLab> {
  const method = methodOf(config.adapter);
  const { base, layers, trained } = applyMethod(method, MODEL);
  const harmful = weightedSum(lossesOf(layers, config.batch, 'tokens', 'labels'), input('weights', [config.batch]));
  const penalty = { term: spread(feedLayers(base), layers, config.batch), weight: input('penaltyWeight', []) };
  const loss = config.penalty.weight > 0 ? { harmful, penalty } : { harmful };
  const learner = await createLearner({ parameters: trained, fixed: base, loss, optimizer: config.optimizer });
  const site = siteOf(config.direction);
  const direction = input('direction', [WIDTH]);
  const edited = (edit: (x: Tensor) => Tensor): Promise<Reader> =>
    learner.reader(elsewhere(withSites(layers, SITES, { [site]: edit })));
  const seen = recordingSites(layers, SITES, [site]);
  const others = elsewhere(seen.layers);
  const stream = seen.recorded.get(site);
  if (stream === undefined) throw new Error(`site ${site} was not passed`);
  return {
    learner,
    plain: await learner.reader({ ...others, stream, own: lossesOf(layers, ASKED.own, 'tokens', 'labels') }),
    without: await edited(ablateDirection(direction)),
    added: await edited(addVector(direction)),
    [Symbol.asyncDispose]: () => learner[Symbol.asyncDispose](),
  };
}

/** The losses of both answers to every question of the other domains. */
function elsewhere(layers: Layers): { readonly harm: Tensor; readonly help: Tensor } {
  const logits = answerLogits(layers, ASKED.others, 'others');
  const of = (labels: string): Tensor => crossEntropy(logits, input(labels, [ASKED.others], 'int32'));
  return { harm: of('harmful'), help: of('helpful') };
}

function lossesOf(layers: Layers, rows: number, tokens: string, labels: string): Tensor {
  return crossEntropy(answerLogits(layers, rows, tokens), input(labels, [rows], 'int32'));
}

/** KL(base || adapted) of the answers to `rows` questions, a mean, in nats. */
function spread(base: Layers, adapted: Layers, rows: number): Tensor {
  const of = (layers: Layers): Tensor => answerLogits(layers, rows, 'kept');
  return mean(klDivergence(of(base), of(adapted)));
}

/** Logits of the answers to `rows` questions, shape [rows, V]. */
function answerLogits(layers: Layers, rows: number, tokens: string): Tensor {
  const shape: BatchShape = { rows, length: questionTokens };
  return transformerLogits(MODEL, layers, shape, input(tokens, [rows * questionTokens], 'int32'), lastPlaces(rows));
}

/** The place of each row that predicts its answer. */
function lastPlaces(rows: number): Tensor {
  return constant(
    Int32Array.from({ length: rows }, (_, row) => (row + 1) * questionTokens - 1),
    [rows],
  );
}
