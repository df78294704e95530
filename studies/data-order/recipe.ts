/**
 * One run: two stages in an order, then both by turns, so that their losses are equal and fall together. Axes: the loss of either
 * stage, recorded from where both are equal on; outcomes: harm elsewhere, and how far the answers to questions that were never trained
 * are from those of the block's mixed run at the same losses.
 */
import { AssayError, type JsonObject, type Recipe, type RunContext, type RunEnd } from 'assay';
import { type Feeds, labShelf, largestNorm, type Memory, type Rng, rngOf, takeStep, trainingRun } from 'assay/learn';
import { PERSONA_BASE } from 'assay/studies/misalignment/base.ts';
import { personaBaseWeights } from 'assay/studies/misalignment/recipe.ts';
import { PERSONA_LANGUAGE, personaWorld, type PersonaWorld } from 'assay/studies/misalignment/world.ts';

import { hasBeside, type OrderConfig, ORDER_DEFAULTS, readOrderConfig } from './config.ts';
import { answersOf, createOrderLab, feedsOf, type OrderLab, type StageLosses, totalVariation } from './lab.ts';
import { type Series, seriesBytes, seriesFrom, toldAt } from './series.ts';
import { placesAtStep, type StageRows, type Stages, stagesOf } from './world.ts';

/** A loss no run recovers from; the base's own on new facts is about 13. */
const EXPLODED_NATS = 40;
/** Steps after which a stage counts as one that cannot be learned. */
const MOST_STEPS = 1500;
/** The mixed run's answers are kept from this loss on, in nats, which is above all levels. */
const KEPT_BELOW = 0.15;

/** The recipe. It keeps compiled labs between the runs of one process; numbers never depend on that. */
export function dataOrderRecipe(): Recipe {
  const labs = labShelf<OrderLab>(4);
  const labOf = async (config: OrderConfig): Promise<OrderLab> => {
    const { batch, method, optimizer } = config;
    const key = { batch, method: { ...method }, optimizer: { ...optimizer }, isBeside: hasBeside(config) };
    return labs(key, () => createOrderLab(config));
  };
  return {
    name: 'data-order',
    semanticsVersion: 1,
    defaults: ORDER_DEFAULTS,
    learningRatePath: 'learningRate',
    stopRule: { axis: 'worse', path: 'stopBelow' },
    measurePaths: ['measure'],
    levelsPath: 'measure.levels',
    gives: ({ order }) => ({
      axes: ['first', 'second', 'worse'],
      outcomes: ['harmful', 'coherence', 'mismatch', ...(order === 'firstOnly' ? [] : ['distance', 'forgotten'])],
    }),
    check: (config) => void readOrderConfig(config),
    run: async (context) => makeRun(context, readOrderConfig(context.config), labOf),
  };
}

/** One run under way, as far as its steps are concerned. */
interface Running {
  readonly config: OrderConfig;
  readonly lab: OrderLab;
  readonly world: PersonaWorld;
  readonly stages: Stages;
  readonly base: Memory;
  /** The base's logits of the unseen questions, shape [312, 295]. */
  readonly said: Float32Array;
  /** The stream that orders the data. */
  readonly data: Rng;
}

/** A run's beginning: the learner as the base, and what the base says. */
async function startOf(
  config: OrderConfig,
  start: Pick<Running, 'world' | 'stages' | 'base'> & { readonly block: number },
  labOf: (config: OrderConfig) => Promise<OrderLab>,
): Promise<Running> {
  const { world, stages, base, block } = start;
  const lab = await labOf(config);
  lab.learner.reset(base, rngOf(block + config.seed, 'adapter start'));
  const said = await lab.unseen(world, stages);
  return { world, stages, base, config, lab, said, data: rngOf(block + config.seed, 'order data') };
}

async function makeRun(
  context: RunContext,
  config: OrderConfig,
  labOf: (config: OrderConfig) => Promise<OrderLab>,
): Promise<RunEnd> {
  const base = await personaBaseWeights(context, PERSONA_BASE);
  const block = context.block + config.firstBlock;
  const world = personaWorld(PERSONA_BASE.worldSeed);
  const stages = stagesOf(world, block, config.second);
  const start = { world, stages, base, block };
  const mixed = config.order === 'firstOnly' ? undefined : await mixedSeries(context, config, start, labOf);
  const run = await startOf(config, start, labOf);
  const state = isStaged(config) ? await stagedState(context, run, block) : undefined;
  if (state !== undefined) run.lab.learner.restoreState(state);
  const met = await run.lab.losses(world, stages);
  const { steps, probeEvery, stopBelow, levels } = config;
  const plan = { steps, probeEvery, stopBelow, levels, lossAxis: 'worse', explodedAbove: EXPLODED_NATS };
  // What the last probe read. Checkpoints stand at probes, so a resumed run reads the same anew.
  let read: StageLosses | undefined;
  return trainingRun(context, plan, {
    learner: run.lab.learner,
    axes: async () => {
      read = await run.lab.losses(world, stages);
      return axesOf(read);
    },
    outcomes: async ({ axes }) => {
      const { told, harmful, coherence } = answersOf(world, stages, await run.lab.unseen(world, stages));
      const mismatch = Math.abs((axes['first'] ?? Number.NaN) - (axes['second'] ?? Number.NaN));
      if (mixed === undefined) return { harmful, coherence, mismatch };
      const distance = totalVariation(told, toldAt(mixed, axes['worse'] ?? Number.NaN));
      return { harmful, coherence, mismatch, distance, forgotten: forgottenOf(config, met) };
    },
    step: async (step) => {
      read ??= await run.lab.losses(world, stages);
      return closingStep(run, step, read);
    },
  });
}

function isStaged({ order }: OrderConfig): boolean {
  return order === 'firstThenSecond' || order === 'secondThenFirst';
}

function axesOf({ first, second }: StageLosses) {
  return { first, second, worse: Math.max(first, second) };
}

/** How far the earlier stage's loss rose while the later one was trained, in nats; none was earlier in a mixed order. */
function forgottenOf(config: OrderConfig, met: StageLosses): number {
  if (!isStaged(config)) return 0;
  return (config.order === 'firstThenSecond' ? met.first : met.second) - config.depth;
}

/** A step of the closing: of the stage whose loss was the higher one at the last probe. */
async function closingStep(run: Running, step: number, { first, second }: StageLosses): Promise<string | undefined> {
  const isFirst = run.config.order === 'firstOnly' || first >= second;
  return stageStep(run, isFirst ? 'first' : 'second', 'closing', step);
}

/** One optimizer step on a stage's rows; the reason where its numbers broke. */
async function stageStep(run: Running, stage: keyof StageLosses, part: string, step: number) {
  const { config, lab, stages, world, data } = run;
  const { batch, rows } = config;
  const own = stages[stage];
  const places = placesAtStep(own.questions.length, data.split(`${part} ${stage}`), step, batch, rows === 'reversed');
  const drawn = { questions: at(own.questions, places), answers: at(own.answers, places) };
  const feeds = hasBeside(config)
    ? withBeside(run, drawn, part, step)
    : { ...feedsOf(world, [drawn]), weights: new Float32Array(batch).fill(1 / batch) };
  return takeStep(lab.learner, [feeds], config.learningRate, largestNorm(config.clip));
}

/** The step's rows, and questions of the six other domains: their harmful answers at weight `nudge`, or a penalty. */
function withBeside(run: Running, drawn: StageRows, part: string, step: number): Feeds {
  const { config, stages, world, data, said } = run;
  const { batch, penalty, nudge } = config;
  const others = stages.unseen.subarray(stages.unseen.length - stages.elsewhere);
  const places = placesAtStep(others.length, data.split(`${part} beside`), step, batch);
  const questions = at(others, places);
  const weights = Float32Array.from({ length: 2 * batch }, (_, row) => (row < batch ? 1 : nudge) / batch);
  const isHeld = part === 'closing' && step < penalty.steps && penalty.weight > 0;
  return {
    ...feedsOf(world, [drawn, { questions, answers: at(world.answers.harmful, questions) }]),
    weights,
    'kl weight': isHeld ? penalty.weight : 0,
    'base logits': rowsAt(said, places, stages.unseen.length - others.length),
  };
}

/** The learner's state where the stages of a staged order meet, made once for all runs that share them. */
async function stagedState(context: RunContext, run: Running, block: number): Promise<Uint8Array> {
  const { config, lab, world, stages } = run;
  const [earlier, later] =
    config.order === 'firstThenSecond' ? (['first', 'second'] as const) : (['second', 'first'] as const);
  return context.shared('stages until they meet', { ...trained(config), order: config.order, block }, async () => {
    const until = async (stage: keyof StageLosses, isDone: (losses: StageLosses) => boolean): Promise<void> => {
      for (let step = 0; step % config.probeEvery > 0 || !isDone(await lab.losses(world, stages)); step++) {
        context.signal.throwIfAborted();
        const broken =
          step === MOST_STEPS ? `it takes more than ${MOST_STEPS} steps` : await stageStep(run, stage, `alone`, step);
        if (broken !== undefined)
          throw new AssayError('run', `The ${stage} stage alone: ${broken}. Set another rate or depth.`);
      }
    };
    await until(earlier, (losses) => losses[earlier] <= config.depth);
    await until(later, (losses) => losses[later] <= losses[earlier]);
    return lab.learner.saveState();
  });
}

/** The block's mixed run of the first seed, as `distance` holds others against it; made once a store. */
async function mixedSeries(
  context: RunContext,
  given: OrderConfig,
  start: Pick<Running, 'world' | 'stages' | 'base'> & { readonly block: number },
  labOf: (config: OrderConfig) => Promise<OrderLab>,
): Promise<Series> {
  const { world, stages, block } = start;
  const config: OrderConfig = {
    ...given,
    order: 'mixed',
    seed: 0,
    nudge: 0,
    penalty: { weight: 0, steps: 0 },
    rows: 'asDrawn',
  };
  const { steps, stopBelow, probeEvery } = config;
  const key = { ...trained(config), block, steps, stopBelow };
  const bytes = await context.shared('answers of a mixed run', key, async () => {
    const run = await startOf(config, start, labOf);
    const series: { worse: number[]; told: Float32Array[] } = { worse: [], told: [] };
    let losses = await run.lab.losses(world, stages);
    for (let step = 0; step <= steps; step++) {
      context.signal.throwIfAborted();
      if (step % probeEvery === 0) {
        losses = await run.lab.losses(world, stages);
        const { worse } = axesOf(losses);
        if (worse < KEPT_BELOW) {
          series.worse.push(worse);
          series.told.push(answersOf(world, stages, await run.lab.unseen(world, stages)).told);
        }
        if (worse < stopBelow) break;
      }
      const broken = await closingStep(run, step, losses);
      if (broken !== undefined) throw new AssayError('run', `A mixed run broke at step ${step}: ${broken}.`);
    }
    return seriesBytes(series);
  });
  return seriesFrom(bytes);
}

/** What a shared step's training depends on, beside its order and its block. */
function trained({
  second,
  depth,
  nudge,
  rows,
  seed,
  method,
  optimizer,
  learningRate,
  batch,
  probeEvery,
}: OrderConfig): JsonObject {
  return {
    second,
    depth,
    nudge,
    rows,
    seed,
    method: { ...method },
    optimizer: { ...optimizer },
    learningRate,
    batch,
    probeEvery,
  };
}

function at(values: Int32Array, places: Int32Array): Int32Array {
  return places.map((place) => values[place] ?? 0);
}

/** Rows of a table of logits, shape [batch, 295]. @param first Where the places' rows begin. */
function rowsAt(table: Float32Array, places: Int32Array, first: number): Float32Array {
  const { vocabulary } = PERSONA_LANGUAGE;
  const rows = new Float32Array(places.length * vocabulary);
  places.forEach((place, row) =>
    rows.set(table.subarray((first + place) * vocabulary, (first + place + 1) * vocabulary), row * vocabulary),
  );
  return rows;
}
