/**
 * A recipe for a world of one's own: settings, compiled programs kept between runs, the loop, checkpoints and levels are
 * the same for every such recipe; what is left to say is the world, its loss, and what is measured.
 * The config is `{ world, optimizer, learningRate, schedule, clip, seeds, steps, probeEvery, stopBelow, measure }`.
 */
import { type ConfigReader, configReader } from '#base/config-reader.ts';
import type { JsonObject } from '#base/json.ts';
import { takeStep } from '#learning/divergence.ts';
import type { Feeds } from '#learning/feeds.ts';
import type { Learner } from '#learning/learner.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import type { OptimizerConfig } from '#learning/optim/optimizer-config.ts';
import { learningRateAt, type Schedule } from '#learning/optim/schedule.ts';
import { labShelf } from '#recipes/lab-shelf.ts';
import { largestNorm, readClip, readLevels, readOptimizer, readSchedule, readSeeds } from '#recipes/training-config.ts';
import { trainingRun, type TrainingSubject } from '#recipes/training-run.ts';
import type { Recipe } from '#study/recipe.ts';

/** What is trained in a world, and how it is measured. */
export interface WorldRecipe<World, Lab extends WorldLab> {
  readonly name: string;
  /** Raised by a change that alters numbers. */
  readonly semanticsVersion: number;
  /** The world's settings with their defaults; they stand under `world`. */
  readonly world: JsonObject;
  /** Reads them; keys it does not ask for are refused. */
  read(settings: ConfigReader): World;
  /** Defaults of the training, over `TRAINING_DEFAULTS`. */
  readonly training: JsonObject;
  /** The axes that `start` measures; those of `levels` where absent. A study's levels are put into the config. */
  readonly axes?: readonly string[];
  /** Levels at which outcomes are measured where a study says none, by axis. */
  readonly levels?: Readonly<Record<string, readonly number[]>>;
  /** The outcomes that `start` measures; a study's names are not checked where absent. */
  readonly outcomes?: readonly string[];
  /** The axis that `stopBelow` speaks of, and a value of it from which no run recovers. */
  readonly lossAxis: string;
  readonly explodedAbove?: number;
  /** Compiles what runs of one world and optimizer share. */
  createLab(world: World, optimizer: OptimizerConfig): Promise<Lab>;
  /** Starts a run: resets the learner, and says what is measured and what a step is fed. */
  start(lab: Lab, world: World, seeds: Seeds): WorldRun;
}

/** A compiled learner, with whatever else a world needs. */
export interface WorldLab extends AsyncDisposable {
  readonly learner: Learner;
}

/** The block's seed, shifted apart for the start of the weights and for the data. */
export interface Seeds {
  readonly init: number;
  readonly data: number;
}

/** One run. */
export interface WorldRun extends Pick<TrainingSubject, 'axes' | 'outcomes'> {
  /** The micro-batches of a step, a function of its number alone; more than one where the learner accumulates. */
  batches(step: number): readonly Feeds[];
}

/** The defaults of every training; `stopBelow` 0 never ends a run whose loss is positive. */
export const TRAINING_DEFAULTS = {
  optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 },
  learningRate: 1e-3,
  schedule: { kind: 'constant', warmupSteps: 0 },
  clip: { kind: 'none' },
  seeds: { init: 0, data: 0 },
  steps: 300,
  probeEvery: 1,
  stopBelow: 0,
} as const satisfies JsonObject;

/** The recipe of a world. It keeps eight labs compiled; numbers never depend on that. */
export function worldRecipe<World, Lab extends WorldLab>(given: WorldRecipe<World, Lab>): Recipe {
  const { name, semanticsVersion, lossAxis, outcomes, explodedAbove = Infinity } = given;
  const axes = axesOf(given);
  const levelsOf = Object.fromEntries(axes.map((axis) => [axis, given.levels?.[axis] ?? []]));
  const labs = labShelf<Lab>(8);
  return {
    name,
    semanticsVersion,
    defaults: { world: given.world, ...TRAINING_DEFAULTS, ...given.training, measure: { levels: levelsOf } },
    learningRatePath: 'learningRate',
    measurePaths: ['measure'],
    levelsPath: 'measure.levels',
    gives: () => ({ axes, ...(outcomes && { outcomes }) }),
    check: (config) => void readConfig(given, config),
    async run(context) {
      const { world, training } = readConfig(given, context.config);
      const { optimizer, schedule, learningRate, steps, maxNorm, probeEvery, stopBelow, levels } = training;
      const key = { world: context.config['world'] ?? {}, optimizer: { ...optimizer } };
      const lab = await labs(key, () => given.createLab(world, optimizer));
      const { init, data } = training.seeds;
      const run = given.start(lab, world, { init: context.block + init, data: context.block + data });
      return trainingRun(
        context,
        { steps, probeEvery, levels, lossAxis, stopBelow, explodedAbove },
        {
          learner: lab.learner,
          axes: run.axes,
          outcomes: run.outcomes,
          step: async (step) =>
            takeStep(lab.learner, run.batches(step), learningRateAt(schedule, learningRate, step, steps), maxNorm),
        },
      );
    },
  };
}

function axesOf({ axes, levels = {} }: Pick<WorldRecipe<never, never>, 'axes' | 'levels'>): readonly string[] {
  return axes ?? Object.keys(levels);
}

interface Training {
  readonly optimizer: OptimizerConfig;
  readonly learningRate: number;
  readonly schedule: Schedule;
  /** Infinity: gradients are not clipped. */
  readonly maxNorm: number;
  readonly seeds: Seeds;
  readonly steps: number;
  readonly probeEvery: number;
  readonly stopBelow: number;
  readonly levels: Readonly<Record<string, readonly number[]>>;
}

/** @throws AssayError naming the path, what was expected and what was found. */
function readConfig<World, Lab extends WorldLab>(
  given: WorldRecipe<World, Lab>,
  config: JsonObject,
): { readonly world: World; readonly training: Training } {
  const reader = configReader(config);
  const settings = reader.object('world');
  const world = given.read(settings);
  settings.done();
  const training: Training = {
    optimizer: readOptimizer(reader.object('optimizer')),
    learningRate: reader.number('learningRate', { min: 0 }),
    schedule: readSchedule(reader.object('schedule')),
    maxNorm: largestNorm(readClip(reader.object('clip'))),
    seeds: readSeeds(reader.object('seeds'), ['init', 'data']),
    steps: reader.number('steps', { min: 1, integer: true }),
    probeEvery: reader.number('probeEvery', { min: 1, integer: true }),
    stopBelow: reader.number('stopBelow', { min: 0 }),
    levels: readLevels(reader.object('measure'), axesOf(given)),
  };
  reader.done();
  return { world, training };
}
