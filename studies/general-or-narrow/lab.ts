/**
 * What a run at the gate works with, and measures: the learner, the rows of its world, and what is read of its update.
 * Built once per method, optimizer and batch, and used for run after run: `learner.reset` starts over.
 */
import {
  createLearner,
  input,
  type Learner,
  mean,
  mergedWeight,
  type Reader,
  rngOf,
  singularValues,
  stableRank,
  type Tensor,
  truncate,
} from 'assay/learn';
import type { GateConfig, GateMethod, GateReading } from './config.ts';
import { answerLosses, CHANNEL, gateModel, MODULE, WEIGHT } from './model.ts';
import { GATE, gateRows, gateWorld, type GateRows, type GateWorld } from './world.ts';

const { width, trainedKeys, draws } = GATE;
/** Losses and outcomes are read over as many rows: 16 keys twice (trained and held-out draws), or the 32 others. */
const READ_ROWS = 2 * trainedKeys * draws;

/** The world of a block with its rows; the same for all arms. */
export interface GateData {
  readonly world: GateWorld;
  readonly train: GateRows;
  /** Other noise draws of the keys that are trained. */
  readonly heldOut: GateRows;
  /** Noise draws of the 32 other keys. */
  readonly others: GateRows;
  /** More draws of those, for the control that trains on them. */
  readonly elsewhere: GateRows;
}

export interface GateLab extends AsyncDisposable {
  readonly learner: Learner;
  /** How a run in a world is measured. */
  measuring(data: GateData, reading: GateReading): GateMeasuring;
}

export interface GateMeasuring {
  /** Mean loss of the swapped answers of the trained keys, in nats. */
  axes(): Promise<{ train: number; heldOut: number }>;
  /**
   * On the 32 other keys the mean probability of the swapped answer, and of either answer (coherence); of the update M its
   * stable rank (0 where it is zero) and the share of its squared length that writes along the persona direction.
   */
  outcomes(): Promise<{ swapped: number; coherence: number; stableRank: number; personaShare: number }>;
}

/** Everything random of a block but the order of the data and the adapter's start. */
export function gateData(block: number, { shared, noise }: GateConfig['world']): GateData {
  const rng = rngOf(block, 'gate world');
  const world = gateWorld(rng, shared);
  return {
    world,
    train: gateRows(world, world.trained, noise, rng.split('trained draws')),
    heldOut: gateRows(world, world.trained, noise, rng.split('held-out draws')),
    others: gateRows(world, world.others, noise, rng.split('draws of the other keys')),
    elsewhere: gateRows(world, world.others, noise, rng.split('draws elsewhere')),
  };
}

/** Builds and compiles the lab of a config. */
export async function createGateLab({ method, elsewhereWeight, optimizer, batch }: GateConfig): Promise<GateLab> {
  const model = gateModel(method);
  const lossOf = (x: string, labels: string): Tensor =>
    mean(answerLosses(model.logits(input(x, [batch, width])), labels));
  const learner = await createLearner({
    parameters: model.trained,
    fixed: model.fixed,
    loss: {
      swapped: lossOf('x', 'labels'),
      ...(elsewhereWeight > 0 && {
        elsewhere: { term: lossOf('x elsewhere', 'labels elsewhere'), weight: elsewhereWeight },
      }),
    },
    optimizer,
  });
  const read = model.logits(input('x', [READ_ROWS, width]));
  const reader = await learner.reader({
    swappedLoss: answerLosses(read, 'swapped'),
    ownLoss: answerLosses(read, 'own'),
  });
  return {
    learner,
    measuring: (data, reading) => measuringOf({ learner, reader, method }, data, reading),
    [Symbol.asyncDispose]: () => learner[Symbol.asyncDispose](),
  };
}

interface Parts {
  readonly learner: Learner;
  readonly reader: Reader;
  readonly method: GateMethod;
}

function measuringOf({ learner, reader, method }: Parts, data: GateData, reading: GateReading): GateMeasuring {
  const probed = joined(data.train, data.heldOut);
  const update = (): Float32Array => updateOf(learner, method, data.world);
  return {
    axes: () =>
      underReading(learner, reading, async () => {
        const { swappedLoss = new Float32Array() } = await reader.read({ ...probed });
        const half = READ_ROWS / 2;
        return { train: meanOf(swappedLoss.subarray(0, half)), heldOut: meanOf(swappedLoss.subarray(half)) };
      }),
    outcomes: () =>
      underReading(learner, reading, async () => {
        const losses = await reader.read({ ...data.others });
        const [pSwapped = 0, pOwn = 0] = [losses['swappedLoss'], losses['ownLoss']].map((list = new Float32Array()) =>
          meanOf(list.map((loss) => Math.exp(-loss))),
        );
        const m = update();
        const rank = stableRank(singularValues({ rows: width, columns: width, values: m })) ?? 0;
        return {
          swapped: pSwapped,
          coherence: pSwapped + pOwn,
          stableRank: rank,
          personaShare: shareAlong(m, data.world.persona),
        };
      }),
  };
}

/** Measures under the update asked for: W is replaced by I + its truncated update, then put back to the bit. */
async function underReading<T>(learner: Learner, reading: GateReading, measure: () => Promise<T>): Promise<T> {
  const weight = learner.memory.get(WEIGHT);
  if (reading.kind === 'whole' || weight === undefined) return measure();
  const whole = weight.slice();
  const { values } = truncate({ rows: width, columns: width, values: withoutIdentity(whole) }, reading.rank);
  weight.set(values.map((value, i) => value + identityAt(i)));
  const measured = await measure();
  weight.set(whole);
  return measured;
}

/** M = W - I in row-major order, whatever its parametrisation. */
function updateOf({ memory }: Learner, method: GateMethod, { persona }: GateWorld): Float32Array {
  const weight = memory.get(WEIGHT) ?? new Float32Array(width * width);
  if (method.kind === 'lora') {
    const [a, b] = ['A', 'B'].map((factor) => memory.get(`${MODULE}.lora_${factor}.weight`) ?? new Float32Array());
    const factors = { dIn: width, dOut: width, a: a ?? new Float32Array(), b: b ?? new Float32Array() };
    return mergedWeight(withoutIdentity(weight), factors, method.alpha / method.rank);
  }
  const update = withoutIdentity(weight);
  if (method.kind === 'full') return update;
  const channel = memory.get(CHANNEL) ?? new Float32Array(width);
  return update.map((value, i) => value + (persona[Math.floor(i / width)] ?? 0) * (channel[i % width] ?? 0));
}

/** |w^T M|^2 / |M|^2, 0 for a zero update. */
function shareAlong(m: Float32Array, persona: Float32Array): number {
  const along = new Float64Array(width);
  m.forEach((value, i) => (along[i % width] = (along[i % width] ?? 0) + value * (persona[Math.floor(i / width)] ?? 0)));
  const whole = m.reduce((sum, value) => sum + value ** 2, 0);
  return whole === 0 ? 0 : along.reduce((sum, value) => sum + value ** 2, 0) / whole;
}

function withoutIdentity(weight: Float32Array): Float32Array {
  return weight.map((value, i) => value - identityAt(i));
}

function identityAt(index: number): number {
  return index % (width + 1) === 0 ? 1 : 0;
}

function joined(first: GateRows, second: GateRows): GateRows {
  return {
    x: Float32Array.of(...first.x, ...second.x),
    own: Int32Array.of(...first.own, ...second.own),
    swapped: Int32Array.of(...first.swapped, ...second.swapped),
  };
}

/** In float64 and in order: the same bits every time. */
function meanOf(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
