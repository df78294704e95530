/** What a run of `data-order` is told: defaults in one place, and the reader that refuses everything else. */
import type { JsonObject } from 'assay';
import {
  ADAMW_DEFAULTS,
  type Clip,
  type ConfigReader,
  configReader,
  type Method,
  type OptimizerConfig,
  readClip,
  readLevels,
  readMethod,
  readOptimizer,
} from 'assay/learn';

import { type Second, SECONDS } from './world.ts';

/**
 * `mixed`: from the base on, every step trains the stage whose loss was the higher one at the last probe. The staged orders train one stage down to
 * `depth`, then the other until both losses are equal, and go on as `mixed` does. `firstOnly` trains the first stage alone.
 */
export const ORDERS = ['mixed', 'firstThenSecond', 'secondThenFirst', 'firstOnly'] as const;
export type Order = (typeof ORDERS)[number];

export interface OrderConfig {
  readonly order: Order;
  readonly second: Second;
  /** Loss at which the earlier stage of a staged order ends, in nats per answer. */
  readonly depth: number;
  /** Weight of KL(base || model) on the other domains' questions, and the steps of the run it lasts; weight 0 leaves it out. */
  readonly penalty: { readonly weight: number; readonly steps: number };
  /** Weight of harmful answers of the six other domains beside every step; only a control trains them. 0 leaves them out. */
  readonly nudge: number;
  /** The order in which a step's rows are drawn. */
  readonly rows: 'asDrawn' | 'reversed';
  /** Added to the block's number: other pairs of domains, and other seeds. */
  readonly firstBlock: number;
  /** Added to the block's number for the order of the data, and for an adapter's start. */
  readonly seed: number;
  readonly method: Method;
  readonly optimizer: OptimizerConfig;
  readonly clip: Clip;
  readonly learningRate: number;
  /** Rows a step. */
  readonly batch: number;
  readonly steps: number;
  /** Steps between probes; each says which stage the steps until the next one train. */
  readonly probeEvery: number;
  /** The run ends where both losses are below this, in nats. */
  readonly stopBelow: number;
  readonly levels: Readonly<Record<'first' | 'second', readonly number[]>>;
}

export const ORDER_DEFAULTS = {
  order: 'mixed',
  second: 'facts',
  depth: 0.05,
  penalty: { weight: 0, steps: 0 },
  nudge: 0,
  rows: 'asDrawn',
  firstBlock: 0,
  seed: 0,
  method: { kind: 'full' },
  optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 },
  clip: { kind: 'none' },
  learningRate: 2e-4,
  batch: 16,
  steps: 800,
  probeEvery: 2,
  stopBelow: 0.045,
  measure: { levels: { first: [0.08, 0.05], second: [0.08, 0.05] } },
} as const satisfies JsonObject;

/** @throws AssayError naming the path, what was expected and what was found. */
export function readOrderConfig(config: JsonObject): OrderConfig {
  const reader = configReader(config);
  const whole = (name: string, min: number): number => reader.number(name, { min, integer: true });
  const read: OrderConfig = {
    order: reader.oneOf('order', ORDERS),
    second: reader.oneOf('second', SECONDS),
    depth: reader.number('depth', { min: 0 }),
    penalty: readPenalty(reader.object('penalty')),
    nudge: reader.number('nudge', { min: 0 }),
    rows: reader.oneOf('rows', ['asDrawn', 'reversed']),
    firstBlock: whole('firstBlock', 0),
    seed: reader.number('seed', { integer: true }),
    method: readMethod(reader.object('method')),
    optimizer: readOptimizer(reader.object('optimizer')),
    clip: readClip(reader.object('clip')),
    learningRate: reader.number('learningRate', { min: 0 }),
    batch: reader.number('batch', { min: 1, max: 36, integer: true }),
    steps: whole('steps', 1),
    probeEvery: whole('probeEvery', 1),
    stopBelow: reader.number('stopBelow', { min: 0 }),
    levels: readLevels(reader.object('measure'), ['first', 'second']),
  };
  reader.done();
  return read;
}

function readPenalty(reader: ConfigReader): OrderConfig['penalty'] {
  const penalty = {
    weight: reader.number('weight', { min: 0 }),
    steps: reader.number('steps', { min: 0, integer: true }),
  };
  reader.done();
  return penalty;
}

/** Whether a run's steps carry rows of the other domains beside those of its stages. */
export function hasBeside({ penalty, nudge }: Pick<OrderConfig, 'penalty' | 'nudge'>): boolean {
  return nudge > 0 || (penalty.weight > 0 && penalty.steps > 0);
}
