/**
 * One run at the gate: finetune W on the swapped answers of 16 keys, and follow how far swapping spreads to the 32 others,
 * against the training loss and the loss on other noise draws of the same keys.
 */
import type { JsonObject, Recipe, RunContext, RunEnd } from 'assay';
import { type Feeds, labShelf, largestNorm, learningRateAt, type Rng, rngOf, takeStep, trainingRun } from 'assay/learn';

import { GATE_DEFAULTS, readGateConfig, type GateConfig } from './config.ts';
import { createGateLab, gateData, type GateData, type GateLab } from './lab.ts';
import { startOf } from './model.ts';
import { GATE, type GateRows } from './world.ts';

/** A loss no run recovers from: thrice that of the untouched model, which is sure of the answers that are swapped. */
const EXPLODED_NATS = 30;
/** Labs kept ready; each holds a compiled program of a few hundred KiB. */
const LABS_KEPT = 8;

/** The recipe. It keeps compiled labs between the runs of one process; numbers never depend on that. */
export function finetuneGate(): Recipe {
  const labs = labShelf<GateLab>(LABS_KEPT);
  return {
    name: 'finetune-gate',
    semanticsVersion: 1,
    defaults: GATE_DEFAULTS,
    learningRatePath: 'learningRate',
    stopRule: { axis: 'train', path: 'stopBelow' },
    measurePaths: ['measure'],
    levelsPath: 'measure.levels',
    gives: () => ({ axes: ['train', 'heldOut'], outcomes: ['swapped', 'coherence', 'stableRank', 'personaShare'] }),
    check: (config) => void readGateConfig(config),
    run: async (context) => {
      const config = readGateConfig(context.config);
      return finetune(context, config, await labs(shapeOf(config), () => createGateLab(config)));
    },
  };
}

/** The shape a lab is built for; world, rate and seeds vary between its runs. */
function shapeOf({ method, elsewhereWeight, optimizer, batch }: GateConfig): JsonObject {
  return { method: { ...method }, elsewhereWeight, optimizer: { ...optimizer }, batch };
}

async function finetune(context: RunContext, config: GateConfig, lab: GateLab): Promise<RunEnd> {
  const { steps, probeEvery, stopBelow, measure, seeds } = config;
  const data = gateData(context.block + seeds.world, config.world);
  const order = rngOf(context.block + seeds.data, 'gate data');
  lab.learner.reset(startOf(data.world), rngOf(context.block + seeds.init, 'gate init'));
  const measuring = lab.measuring(data, config.reading);
  const plan = { steps, probeEvery, stopBelow, levels: measure.levels, explodedAbove: EXPLODED_NATS };
  return trainingRun(context, plan, {
    learner: lab.learner,
    axes: () => measuring.axes(),
    outcomes: () => measuring.outcomes(),
    step: (step) =>
      takeStep(
        lab.learner,
        [feedsAt(step, data, order, config)],
        learningRateAt(config.schedule, config.learningRate, step, steps),
        largestNorm(config.clip),
      ),
  });
}

/** What one step is fed: swapped answers of the trained keys, and of the others where they have weight. */
function feedsAt(step: number, data: GateData, order: Rng, { batch, elsewhereWeight }: GateConfig): Feeds {
  const { x, rows } = rowsAt(step, data.train, order, batch);
  const trained = { x, labels: Int32Array.from(rows, (row) => data.train.swapped[row] ?? 0) };
  if (elsewhereWeight === 0) return trained;
  const other = rowsAt(step, data.elsewhere, order.split('elsewhere'), batch);
  return {
    ...trained,
    'x elsewhere': other.x,
    'labels elsewhere': other.rows.map((row) => data.elsewhere.swapped[row] ?? 0),
  };
}

/** The rows of one step: an endless order made of shuffled passes over all of them, cut into batches; stateless. */
function rowsAt(step: number, { x, own }: GateRows, order: Rng, batch: number): { x: Float32Array; rows: Int32Array } {
  const { width } = GATE;
  const count = own.length;
  const places = Array.from({ length: batch }, (_, i) => step * batch + i);
  const passes = new Map(
    [...new Set(places.map((place) => Math.floor(place / count)))].map((pass) => [
      pass,
      order.split(`pass ${pass}`).permutation(count),
    ]),
  );
  const rows = Int32Array.from(places, (place) => passes.get(Math.floor(place / count))?.[place % count] ?? 0);
  const chosen = new Float32Array(batch * width);
  rows.forEach((row, i) => chosen.set(x.subarray(row * width, (row + 1) * width), i * width));
  return { x: chosen, rows };
}
