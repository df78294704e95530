/**
 * One run: a small adapter learns harmful answers of one domain on the persona base; at the end a direction is taken out of the
 * model's stream, or added to the base's. Short runs: one that is killed starts over, and its points are recorded at its end.
 */
import type { JsonObject, Recipe, RunContext, RunEnd } from 'assay';
import { jump, labShelf, type Memory, type Reader, rngOf } from 'assay/learn';
import { PERSONA_BASE } from 'assay/studies/misalignment/base.ts';
import { personaBaseWeights } from 'assay/studies/misalignment/recipe.ts';

import { ADAPTER_DEFAULTS, type AdapterConfig, donorOf, readAdapterConfig } from './config.ts';
import { answered, type Finetuned, finetuned, type Seen } from './finetuning.ts';
import { type AdapterLab, createAdapterLab, WIDTH } from './lab.ts';

/** As many as the study has shapes: runs come block by block, and each lab is a few compiled programs. */
const LABS_KEPT = 32;
/** A change of P(harmful) smaller than this has no place where it jumps. */
const SMALLEST_JUMP = 0.1;

/** What every probe has; and only the end: of its own, with a donor, where harm has risen, and after a penalty. */
export const OUTCOMES = {
  along: ['harmful', 'coherence', 'cosine'],
  end: ['trainEnd', 'ablatedOwn', 'baseWithoutOwn', 'ablatedRandom', 'half', 'base'],
  donor: ['ablated', 'ablatedCoherence', 'added', 'addedCoherence', 'likeness'],
  jump: ['jumpAt', 'jumpWidth', 'jumpSharpness', 'lossSharpness', 'cosineBefore', 'cosineMiddle', 'cosineAfter'],
  narrow: ['narrow', 'narrowTrain', 'narrowHeldOut', 'narrowCoherence'],
} as const;

/** The recipe. It keeps compiled labs between the runs of one process; numbers never depend on that. */
export function minimalAdapter(): Recipe {
  const labs = labShelf<AdapterLab>(LABS_KEPT);
  const labOf = (config: AdapterConfig): Promise<AdapterLab> => labs(shapeOf(config), () => createAdapterLab(config));
  return {
    name: 'minimal-adapter',
    semanticsVersion: 1,
    defaults: ADAPTER_DEFAULTS,
    learningRatePath: 'learningRate',
    measurePaths: ['measure'],
    levelsPath: 'measure.levels',
    gives: () => ({ axes: ['train', 'heldOut'], outcomes: Object.values(OUTCOMES).flat() }),
    check: (config) => void readAdapterConfig(config),
    async run(context) {
      const config = readAdapterConfig(context.config);
      const base = await personaBaseWeights(context, PERSONA_BASE);
      const hasDonor = config.direction.steps > 0;
      const donor = hasDonor ? await donorDirection(context, donorOf(config), base, labOf) : undefined;
      const lab = await labOf(config);
      const made = await finetuned(config, lab, base, context.block, (step) => {
        context.signal.throwIfAborted();
        context.progress(step / config.steps);
      });
      return recorded(context, made, made.broken ? {} : await atEnd(config, lab, made, donor, context.block));
    },
  };
}

/** The shape a lab is built for; rates, seeds and steps vary between its runs. */
function shapeOf({ adapter, direction: { layer, matrix }, optimizer, batch, penalty }: AdapterConfig): JsonObject {
  const { layers, matrices, ...size } = adapter;
  const where = { layers: [...layers], matrices: [...matrices], layer, matrix };
  return { ...size, ...where, optimizer: { ...optimizer }, batch, isHeld: penalty.weight > 0 };
}

/** The direction that another seed's rank-1 adapter writes, as long as it typically moves the stream; made once a store. */
async function donorDirection(
  context: Pick<RunContext, 'shared' | 'block'>,
  donor: AdapterConfig,
  base: Memory,
  labOf: (config: AdapterConfig) => Promise<AdapterLab>,
): Promise<Float32Array> {
  const { measure: _measure, ...trained } = donor;
  const bytes = await context.shared('adapter-direction', keyOf(trained, context.block), async () => {
    const { seen, broken } = await finetuned(donor, await labOf(donor), base, context.block);
    if (broken !== undefined) throw new Error(`the donor's training broke at step ${broken.step}: ${broken.reason}`);
    const { direction, reach } = seen.at(-1) ?? { direction: new Float64Array(WIDTH), reach: 0 };
    const length = Math.hypot(...direction);
    return new Uint8Array(Float32Array.from(direction, (value) => (value / length) * reach).buffer);
  });
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

function keyOf(donor: Omit<AdapterConfig, 'measure'>, block: number): JsonObject {
  const plain = JSON.parse(JSON.stringify(donor)) as JsonObject;
  return { ...plain, base: { ...PERSONA_BASE }, block };
}

/** What is measured at the end: without directions, and the base with one. Leaves the learner at the base. */
async function atEnd(
  { measure, ...config }: AdapterConfig,
  lab: AdapterLab,
  { seen, task, start }: Finetuned,
  donor: Float32Array | undefined,
  block: number,
): Promise<Readonly<Record<string, number>>> {
  const [first, last] = [seen[0], seen.at(-1)];
  if (first === undefined || last === undefined) throw new Error('a run that has not broken has probes');
  const under: Under = async (reader, direction) => {
    const { harm = none, help = none } = await reader.read({ ...task.elsewhere, direction });
    return answered(harm, help);
  };
  const own = Float32Array.from(last.direction);
  const writes = last.reach > 0;
  const ablatedOwn = writes ? await under(lab.without, own) : undefined;
  let ablatedRandom = 0;
  for (let i = 0; i < measure.nulls; i++) {
    const { harmful } = await under(lab.without, randomDirection(block, i));
    ablatedRandom += harmful / measure.nulls;
  }
  const ablated = donor === undefined ? undefined : await under(lab.without, donor);
  lab.learner.restoreWeights(start);
  const baseWithoutOwn = writes ? await under(lab.without, own) : undefined;
  return {
    trainEnd: last.train,
    ...(ablatedOwn && { ablatedOwn: ablatedOwn.harmful }),
    ...(baseWithoutOwn && { baseWithoutOwn: baseWithoutOwn.harmful }),
    ablatedRandom,
    half: (first.harmful + last.harmful) / 2,
    base: first.harmful,
    ...(donor &&
      ablated && {
        ablated: ablated.harmful,
        ablatedCoherence: ablated.coherence,
        ...(await addedTo(lab, under, donor)),
        likeness: Math.abs(cosine(own, donor)),
      }),
    ...jumpOf(seen, last),
    ...narrowOf(seen, config),
  };
}

type Under = (reader: Reader, direction: Float32Array) => Promise<ReturnType<typeof answered>>;
const none = new Float32Array();
/** Multiples of the donor's reach that are added; the most harmful counts, which favours the direction. */
const SCALES = [-4, -2, -1, 1, 2, 4];

/** The base with a direction added, at the multiple that makes it most harmful. */
async function addedTo(lab: AdapterLab, under: Under, donor: Float32Array): Promise<Readonly<Record<string, number>>> {
  let best = { harmful: -1, coherence: 0 };
  for (const scale of SCALES) {
    const found = await under(
      lab.added,
      donor.map((value) => value * scale),
    );
    if (found.harmful > best.harmful) best = found;
  }
  return { added: best.harmful, addedCoherence: best.coherence };
}

function randomDirection(block: number, index: number): Float32Array {
  const rng = rngOf(block, 'random direction').split(`${index}`);
  return Float32Array.from({ length: WIDTH }, () => rng.normal());
}

/** Where harm jumps along the steps, and how far the direction has turned by then; nothing where there is no such rise. */
function jumpOf(seen: readonly Seen[], { direction, reach }: Seen): Readonly<Record<string, number>> {
  const harm = jump(seen.map(({ step, harmful }) => ({ at: step, value: harmful })));
  const loss = jump(seen.map(({ step, train }) => ({ at: step, value: train })));
  if (harm === undefined || loss === undefined || harm.size < SMALLEST_JUMP) return {};
  const turned = (at: number): number => {
    const before = seen.findLast(({ step }) => step <= at);
    return before === undefined ? 0 : Math.abs(cosine(before.direction, direction));
  };
  return {
    jumpAt: harm.position,
    jumpWidth: harm.to - harm.from,
    jumpSharpness: harm.sharpness,
    lossSharpness: loss.sharpness,
    ...(reach > 0 && {
      cosineBefore: turned(harm.from),
      cosineMiddle: turned(harm.position),
      cosineAfter: turned(harm.to),
    }),
  };
}

/** What stood when the penalty ended; nothing where there was none. */
function narrowOf(
  seen: readonly Seen[],
  { penalty }: Pick<AdapterConfig, 'penalty'>,
): Readonly<Record<string, number>> {
  const held = seen.find(({ step }) => penalty.weight > 0 && step === penalty.steps);
  if (held === undefined) return {};
  const { harmful, train, heldOut, coherence } = held;
  return { narrow: harmful, narrowTrain: train, narrowHeldOut: heldOut, narrowCoherence: coherence };
}

/** Records the trajectory, with each direction's |cosine| to the final one (a line has no sign); the last point has what was measured at the end. */
function recorded(
  { record }: Pick<RunContext, 'record'>,
  { seen, broken }: Finetuned,
  end: Readonly<Record<string, number>>,
): RunEnd {
  const last = seen.at(-1);
  for (const point of seen) {
    const { step, train, heldOut, harmful, coherence, direction } = point;
    const along = { harmful, coherence, cosine: last === undefined ? 0 : Math.abs(cosine(direction, last.direction)) };
    record({ step, axes: { train, heldOut }, outcomes: point === last ? { ...along, ...end } : along });
  }
  return broken === undefined ? { kind: 'finished' } : { kind: 'diverged', ...broken };
}

/** The cosine of the angle between two vectors; 0 where one has no length, as before the first step. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [product, lengthA, lengthB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] ?? 0, b[i] ?? 0];
    product += x * y;
    lengthA += x * x;
    lengthB += y * y;
  }
  return lengthA === 0 || lengthB === 0 ? 0 : product / Math.sqrt(lengthA * lengthB);
}
