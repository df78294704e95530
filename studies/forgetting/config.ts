/** What a run of `forgetting` is told. */
import type { JsonObject } from 'assay';
import {
  ADAMW_DEFAULTS,
  type Clip,
  type ConfigReader,
  configReader,
  type OptimizerConfig,
  readClip,
  readLevels,
  readOptimizer,
  readSeeds,
} from 'assay/learn';

import { MODELS, type Tasks } from './world.ts';

export interface ForgettingConfig {
  readonly world: Tasks;
  readonly before: {
    /** Who learns the tasks before the last: the optimizer itself, or Adam at 1e-3, the same for all arms. */
    readonly by: 'itself' | 'adam';
    /** Whether the last task begins with the optimizer's state as it is, or with none. */
    readonly state: 'kept' | 'fresh';
    /** Each task before the last is learned until its loss is below this, in nats. */
    readonly until: number;
  };
  readonly optimizer: OptimizerConfig;
  readonly clip: Clip;
  readonly learningRate: number;
  /** Rows a step; 0 is all rows of the task. */
  readonly batch: number;
  /** Weight of the first task's loss while the last is learned; 0 leaves it out. A control's known cause. */
  readonly rehearsal: number;
  readonly steps: number;
  readonly probeEvery: number;
  /** The run ends where the last task's loss is below this, in nats. */
  readonly stopBelow: number;
  readonly seeds: { readonly init: number; readonly data: number };
  readonly levels: Readonly<Record<'last', readonly number[]>>;
}

export const FORGETTING_DEFAULTS = {
  world: { model: 'mlp', classes: 10, tasks: 2, dimensions: 16, rows: 20, noise: 0.5, width: 32, head: 'head' },
  before: { by: 'itself', state: 'fresh', until: 0.05 },
  optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 },
  clip: { kind: 'none' },
  learningRate: 1e-3,
  batch: 0,
  rehearsal: 0,
  steps: 3000,
  probeEvery: 1,
  stopBelow: 0.05,
  seeds: { init: 0, data: 0 },
  measure: { levels: { last: [0.5, 0.2, 0.1] } },
} as const satisfies JsonObject;

/** @throws AssayError naming the path, what was expected and what was found. */
export function readForgettingConfig(config: JsonObject): ForgettingConfig {
  const reader = configReader(config);
  const read: ForgettingConfig = {
    world: readWorld(reader.object('world')),
    before: readBefore(reader.object('before')),
    optimizer: readOptimizer(reader.object('optimizer')),
    clip: readClip(reader.object('clip')),
    learningRate: reader.number('learningRate', { min: 0 }),
    batch: reader.number('batch', { min: 0, integer: true }),
    rehearsal: reader.number('rehearsal', { min: 0 }),
    steps: reader.number('steps', { min: 1, integer: true }),
    probeEvery: reader.number('probeEvery', { min: 1, integer: true }),
    stopBelow: reader.number('stopBelow', { min: 0 }),
    seeds: readSeeds(reader.object('seeds'), ['init', 'data']),
    levels: readLevels(reader.object('measure'), ['last']),
  };
  reader.done();
  return read;
}

function readWorld(reader: ConfigReader): Tasks {
  const whole = (name: string, min: number): number => reader.number(name, { min, integer: true });
  const world: Tasks = {
    model: reader.oneOf('model', MODELS),
    tasks: whole('tasks', 2),
    classes: whole('classes', 2),
    dimensions: whole('dimensions', 1),
    rows: whole('rows', 1),
    noise: reader.number('noise', { min: 0 }),
    width: whole('width', 1),
    head: reader.oneOf('head', ['head', 'matrix']),
  };
  const { model, classes, tasks, dimensions } = world;
  if (classes % tasks !== 0) reader.refuse('classes', `a multiple of the ${tasks} tasks`, `${classes}`);
  if (model === 'memory' && dimensions < classes) {
    reader.refuse('dimensions', `at least the ${classes} classes, whose keys are orthonormal`, `${dimensions}`);
  }
  reader.done();
  return world;
}

function readBefore(reader: ConfigReader): ForgettingConfig['before'] {
  const before = {
    by: reader.oneOf('by', ['itself', 'adam']),
    state: reader.oneOf('state', ['kept', 'fresh']),
    until: reader.number('until', { min: 0 }),
  };
  if (before.by === 'adam' && before.state === 'kept') {
    reader.refuse('state', 'fresh (the state would be that of another optimizer)', '"kept"');
  }
  reader.done();
  return before;
}
