/**
 * One run: a model is asked which value belongs to a key of its prompt; where it answers, swaps say by what it binds, depth by depth. What does
 * not answer has no mechanism to read, and is left at that by name. A run takes seconds, of a model of 135M parameters minutes.
 */
import { AssayError, type JsonObject, type Recipe, type RunContext, type RunEnd } from 'assay';
import { type KnownTextModel, labShelf, type LabShelf, modelHashes, rngOf, textModelSummaries } from 'assay/learn';
import { type Prompt, tokensOf } from 'assay/studies/binding-task/prompts.ts';
import type { Reading } from 'assay/studies/binding-task/reading.ts';
import { drawnOthers, rightFraction } from 'assay/studies/binding-task/swaps.ts';
import type { TaskWorld } from 'assay/studies/binding-task/world.ts';
import { PERSONA_BASE } from 'assay/studies/misalignment/base.ts';
import { personaBaseWeights } from 'assay/studies/misalignment/recipe.ts';

import { type Config, DEFAULTS, readConfig } from './config.ts';
import { answeredOf, DEPTH_OUTCOMES, depthOutcomes } from './measures.ts';
import { askedOrder } from './moved.ts';
import { languageOf, promptLength } from './sentences.ts';
import { givenSubject, knownSubject, personaSubject, type Subject } from './subjects.ts';

const GATE_OUTCOMES = ['right', 'answered', 'answeredFirst', 'answeredLast', 'gate'] as const;
const SUBJECTS_KEPT = 2;
/** So many prompts are asked of each object for each that is measured on: drawn weights answer half of two objects by chance. Where fewer are right than are measured on, those are. */
const ASKED_TIMES = 3;

/** The small transformers: `binding-task`'s, with fillers where objects are asked for by key. */
const WORLD = { keys: 48, values: 48, relations: 4, objects: 4 } as const;
const KNOWN: Readonly<Record<'keys' | 'ordinals', TaskWorld>> = {
  keys: { task: 'objects', fillers: 6, ...WORLD },
  ordinals: { task: 'ordinals', fillers: 0, ...WORLD },
};
const KNOWN_MODEL = {
  dModel: 32,
  layers: 2,
  heads: 1,
  mlps: false,
  positions: 'learned',
  rows: 32,
  learningRate: 0.02,
} as const;
const KNOWN_STEPS = { keys: { steps: 1200, starts: 16 }, ordinals: { steps: 600, starts: 1 } } as const;

export function bindingLmRecipe(): Recipe {
  const subjects = labShelf<Subject>(SUBJECTS_KEPT);
  const hashOf = modelHashes();
  const summary = textModelSummaries(hashOf);
  return {
    name: 'binding-lm',
    semanticsVersion: 2,
    defaults: DEFAULTS,
    measurePaths: [],
    gives: () => ({ axes: ['depth'], outcomes: [...GATE_OUTCOMES, ...DEPTH_OUTCOMES] }),
    check: (config) => void readConfig(config),
    inputs: (given): Readonly<Record<string, string>> => {
      const config = readConfig(given);
      return isOfFiles(config) ? { model: hashOf(config.model) } : {};
    },
    async files(given) {
      const config = readConfig(given);
      if (!isOfFiles(config)) return [];
      return [await summary(config.model, (known) => checkPrompts(known, config))];
    },
    async run(context) {
      return measured(context, readConfig(context.config), subjects);
    },
  };
}

/** @throws AssayError where words are no single tokens of the model, or prompts are longer than it takes. */
function checkPrompts({ path, tokens, contextLength }: KnownTextModel, { wording, shape }: Config): void {
  const length = promptLength(
    languageOf(wording, (text) => [...tokens(text)]),
    shape,
  );
  if (length <= contextLength) return;
  throw new AssayError(
    'config',
    `${path}: expected prompts of at most ${contextLength} tokens, found ${length}; the model takes no more. Give fewer slots (--set slots=N) or shorter sentences.`,
  );
}

/** Known subjects are what they are, whichever model is given. */
function isOfFiles({ model, subject }: Config): boolean {
  return model !== '' && (subject === 'model' || subject === 'drawn');
}

async function measured(context: RunContext, config: Config, subjects: LabShelf<Subject>): Promise<RunEnd> {
  const { subject: kind } = config;
  const subject = await subjects(subjectKey(config), () => subjectOf(config));
  const rng = rngOf(context.block + config.seed, 'binding lm');
  await subject.start(
    rng.split('start'),
    () => personaBaseWeights(context, PERSONA_BASE),
    (done) => {
      context.signal.throwIfAborted();
      context.progress(done / 2);
    },
  );
  const read = (prompts: readonly Prompt[]): Promise<Reading> =>
    subject.reader.read(prompts.map((one) => tokensOf(one)));
  const drawn = (name: string, count: number, pairings: 'all' | 'heldOut' = 'all'): readonly Prompt[] => {
    const own = rng.split(name);
    return Array.from({ length: count }, () => subject.draw(own, pairings));
  };
  const { places, gate, missed } = await gated(config, drawn('asked', ASKED_TIMES * config.measured, 'heldOut'), read);
  if (missed !== undefined) {
    context.note?.(`${kind}, block ${context.block}: ${missed}`);
    for (const [step, { sixth }] of subject.depths.entries())
      context.record({ step, axes: { depth: sixth }, outcomes: gate });
    return { kind: 'finished' };
  }
  // An answer that is right has something to lose: where nothing moves it, a swap scores 0, and 1/2 only where it is destroyed.
  const prompts = places.flatMap((right) => right.slice(0, config.measured));
  const few = fewText(places, config.measured);
  if (few !== undefined) context.note?.(`${kind}, block ${context.block}: ${few}`);
  const [fit, others] = [drawn('fit', config.fit), drawn('others', prompts.length)];
  const material = {
    prompts,
    reading: await read(prompts),
    others,
    otherReading: await read(others),
    fit,
    fitted: await read(fit),
    keys: subject.keys,
    values: subject.values,
  };
  const partners = drawnOthers(prompts, rng.split('other objects'));
  for (const [step, { sixth }] of subject.depths.entries()) {
    context.signal.throwIfAborted();
    const outcomes = await depthOutcomes(subject.reader, material, partners, step, rng.split('permuted'));
    context.record({ step, axes: { depth: sixth }, outcomes: { ...gate, ...outcomes } });
    context.progress((1 + (step + 1) / subject.depths.length) / 2);
  }
  return { kind: 'finished' };
}

/** Said where not as many are measured of each object that is asked for: every score is of its own prompts, and those of few are rougher. */
function fewText(places: Gated['places'], measured: number): string | undefined {
  if (places.every((right) => right.length >= measured)) return undefined;
  const counts = places.map((right) => Math.min(right.length, measured)).join(', ');
  return `${counts} prompts are measured where the first, the next ... is asked for, and not ${measured} of each: so few answers are right.`;
}

interface Gated {
  /** Prompts whose answer is right, by the order of what is asked for. */
  readonly places: readonly (readonly Prompt[])[];
  readonly gate: Readonly<Record<(typeof GATE_OUTCOMES)[number], number>>;
  /** Why the model is not read; absent where it is. */
  readonly missed?: string;
}

/** Whether a model answers prompts, each asked for all of its objects. */
async function gated(
  config: Config,
  prompts: readonly Prompt[],
  read: (prompts: readonly Prompt[]) => Promise<Reading>,
): Promise<Gated> {
  const asked = everyAsked(prompts);
  const answers = await read(asked);
  const isAnswered = answeredOf(asked, answers);
  const places = Array.from({ length: asked[0]?.objects.length ?? 0 }, (_, order) =>
    asked.filter((prompt, i) => askedOrder(prompt) === order && isAnswered[i]),
  );
  const shares = places.map((right) => (right.length * places.length) / asked.length);
  const answered = isAnswered.filter(Boolean).length / asked.length;
  // Drawn weights answer nothing, which is why they are read.
  const isRead = (config.subject === 'drawn' || answered >= config.gate) && shares.every((share) => share > 0);
  const gate = {
    right: rightFraction(asked, answers),
    answered,
    answeredFirst: shares[0] ?? 0,
    answeredLast: shares.at(-1) ?? 0,
    gate: Number(isRead),
  };
  if (isRead) return { places, gate };
  const told = shares.map((share) => share.toFixed(2)).join(', ');
  return {
    places,
    gate,
    missed: `gate not passed, ${answered.toFixed(3)} of ${asked.length} answers are right (${told} where the first, the next ... is asked for) and ${config.gate} are needed, and one of each. There is no mechanism to read, and nothing is claimed of this block.`,
  };
}

/** Each prompt asks for one of its objects: here for every one of them in turn. */
function everyAsked(prompts: readonly Prompt[]): readonly Prompt[] {
  return prompts.flatMap((prompt) => prompt.objects.map((asked) => ({ ...prompt, asked })));
}

/** What two runs share a subject by. */
function subjectKey(config: Config): JsonObject {
  const { model, subject, wording, shape, teaching, sixths, rows, threads } = config;
  const key = { model: isOfFiles(config) ? model : '', subject, wording, shape, teaching, sixths, rows, threads };
  return JSON.parse(JSON.stringify(key));
}

async function subjectOf(config: Config): Promise<Subject> {
  const { subject, model, wording, teaching } = config;
  if (subject === 'keys' || subject === 'ordinals')
    return knownSubject(KNOWN[subject], { ...KNOWN_MODEL, ...KNOWN_STEPS[subject] }, config);
  const isDrawn = subject === 'drawn';
  return model === '' ? personaSubject(isDrawn, teaching, config) : givenSubject(model, isDrawn, wording, config);
}
