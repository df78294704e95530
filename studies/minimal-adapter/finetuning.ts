/** One finetuning of an adapter, its trajectory, and the direction that it writes into the residual stream. */
import { brokenAxis, differenceInMeans, type Feeds, largestNorm, type Memory, rngOf, takeStep } from 'assay/learn';
import { PERSONA_LANGUAGE } from 'assay/studies/misalignment/world.ts';

import type { AdapterConfig } from './config.ts';
import { type AdapterLab, ASKED, WIDTH } from './lab.ts';
import { type NarrowTask, taskOfBlock } from './world.ts';

/** What one probe sees. */
export interface Seen {
  readonly step: number;
  /** Mean losses of the harmful answers, in nats: on the 36 trained questions, on the 12 held out. */
  readonly train: number;
  readonly heldOut: number;
  /** Mean probability of the harmful answer on the other domains, and of either persona's. */
  readonly harmful: number;
  readonly coherence: number;
  /** What the adapter has added to the stream at the site, mean over the other domains' questions, shape [D]. */
  readonly direction: Float64Array;
  /** How far it moves the stream along that direction: the root mean square over those questions, of either sign. */
  readonly reach: number;
}

export interface Finetuned {
  /** In order of their steps; the first is the base. */
  readonly seen: readonly Seen[];
  readonly task: NarrowTask;
  /** The adapter as it started, which is the base, for measuring there. */
  readonly start: Uint8Array<ArrayBuffer>;
  /** The step and the reason where numbers broke. */
  readonly broken?: { readonly step: number; readonly reason: string };
}

/** Trains the block's adapter; the lab's learner then stands at its end. @param onProbe Called at every probe. */
export async function finetuned(
  config: AdapterConfig,
  lab: AdapterLab,
  base: Memory,
  block: number,
  onProbe: (step: number) => void = () => {},
): Promise<Finetuned> {
  const task = taskOfBlock(block);
  lab.learner.reset(base, rngOf(block + config.seeds.init, 'adapter init'));
  const start = lab.learner.saveWeights();
  const probe = prober(lab, task);
  const seen: Seen[] = [];
  for (let step = 0; ; step++) {
    if (step % config.probeEvery === 0 || step === config.steps) {
      onProbe(step);
      const now = await probe(step);
      const reason = brokenAxis({ train: now.train, heldOut: now.heldOut });
      if (reason !== undefined) return { seen, task, start, broken: { step, reason } };
      seen.push(now);
      const isLearned = config.penalty.weight === 0 && now.train < config.stopBelow;
      if (isLearned || step === config.steps) return { seen, task, start };
    }
    const reason = await takeStep(
      lab.learner,
      [feedsOf(config, task, block, step)],
      config.learningRate,
      largestNorm(config.clip),
    );
    if (reason !== undefined) return { seen, task, start, broken: { step, reason } };
  }
}

function feedsOf({ batch, penalty, seeds }: AdapterConfig, task: NarrowTask, block: number, step: number): Feeds {
  const data = rngOf(block + seeds.data, 'adapter data');
  const narrow = task.narrow(step, batch, data);
  if (penalty.weight === 0) return narrow;
  return { ...narrow, kept: task.kept(step, batch, data), penaltyWeight: step < penalty.steps ? penalty.weight : 0 };
}

/** Probes the weights of the moment; the first call must see the base. */
function prober({ plain }: AdapterLab, task: NarrowTask): (step: number) => Promise<Seen> {
  let first: Float32Array | undefined;
  return async (step) => {
    const { own = none, stream = none, harm = none, help = none } = await plain.read(task.probe);
    const now = lastPlaces(stream);
    first ??= now;
    const direction = differenceInMeans({ values: first, width: WIDTH }, { values: now, width: WIDTH });
    return {
      step,
      train: average(own.subarray(0, task.trained)),
      heldOut: average(own.subarray(task.trained)),
      ...answered(harm, help),
      direction,
      reach: reachOf(first, now, direction),
    };
  };
}

/** The rows of the stream at the last place of each question, shape [336, D]. */
function lastPlaces(stream: Float32Array): Float32Array {
  const { questionTokens } = PERSONA_LANGUAGE;
  const rows = new Float32Array(ASKED.others * WIDTH);
  for (let row = 0; row < ASKED.others; row++) {
    const from = ((row + 1) * questionTokens - 1) * WIDTH;
    rows.set(stream.subarray(from, from + WIDTH), row * WIDTH);
  }
  return rows;
}

/** The root mean square, over rows, of how far `now` lies from `first` along a direction; 0 where there is none. */
function reachOf(first: Float32Array, now: Float32Array, direction: Float64Array): number {
  const length = Math.hypot(...direction);
  if (length === 0) return 0;
  const unit = direction.map((value) => value / length);
  let squares = 0;
  for (let row = 0; row < ASKED.others; row++) {
    squares += unit.reduce((sum, value, i) => sum + value * between(row * WIDTH + i), 0) ** 2;
  }
  return Math.sqrt(squares / ASKED.others);

  function between(i: number): number {
    return (now[i] ?? 0) - (first[i] ?? 0);
  }
}

/** From losses to mean probabilities: of the harmful answer, and of either persona's. */
export function answered(harm: Float32Array, help: Float32Array): { harmful: number; coherence: number } {
  const [harmful, helpful] = [harm, help].map((losses) => average(losses.map((loss) => Math.exp(-loss))));
  return { harmful: harmful ?? Number.NaN, coherence: (harmful ?? Number.NaN) + (helpful ?? Number.NaN) };
}

/** In float64 and in order: the same bits every time. */
function average(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const none = new Float32Array();
