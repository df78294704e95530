/**
 * What is read: a model from its files as it is; the persona base, taught to answer from the text; either's architecture with drawn weights; and the
 * small transformers of `binding-task`, of which is known by what they bind.
 */
import {
  initialWeights,
  type Learner,
  type Memory,
  openStreamModel,
  type Reader,
  type Rng,
  streamModel,
  streamReader,
  type TransformerConfig,
  transformerParameters,
} from 'assay/learn';
import { createModel, modelConfig, type ModelSettings, trainModel } from 'assay/studies/binding-task/model.ts';
import type { Prompt } from 'assay/studies/binding-task/prompts.ts';
import { createReader, depthSites, type ModelReader } from 'assay/studies/binding-task/reading.ts';
import { drawContext, layoutOf, promptOf, type TaskWorld } from 'assay/studies/binding-task/world.ts';
import { PERSONA_BASE, personaModel } from 'assay/studies/misalignment/base.ts';
import { PERSONA_LANGUAGE } from 'assay/studies/misalignment/world.ts';

import { createTeaching, type TeachingSettings } from './teaching.ts';
import {
  drawPrompt,
  type Language,
  languageOf,
  type Pairings,
  promptLength,
  type PromptShape,
  type Wording,
} from './sentences.ts';

export const SUBJECTS = ['model', 'drawn', 'keys', 'ordinals'] as const;

/** A depth that is read: in sixths of the layers, and the layer that it is behind (0: the embeddings). */
export interface Depth {
  readonly sixth: number;
  readonly layer: number;
}

export interface Subject extends AsyncDisposable {
  readonly reader: ModelReader;
  readonly depths: readonly Depth[];
  readonly keys: number;
  readonly values: number;
  draw(rng: Rng, pairings: Pairings): Prompt;
  /** Makes the weights of a block ready. */
  start(rng: Rng, base: () => Promise<Memory>, onStep: (done: number) => void): Promise<void>;
}

const SIXTHS = 6;
/** Of the small transformers' two layers: the embeddings, and behind the first. */
const KNOWN_SIXTHS = [0, 3];

/** Depths that a model of so many layers has: those that are no whole layer are left out where layers are few. */
export function depthsOf(sixths: readonly number[], layers: number): readonly Depth[] {
  return sixths
    .filter((sixth) => layers >= SIXTHS || (sixth * layers) % SIXTHS === 0)
    .map((sixth) => ({ sixth, layer: Math.round((sixth * layers) / SIXTHS) }));
}

export interface SubjectSettings {
  readonly shape: PromptShape;
  readonly sixths: readonly number[];
  /** Prompts that are read at a time. */
  readonly rows: number;
  readonly threads: number;
}

/** A model from its files, as it is or with drawn weights. */
export async function givenSubject(
  path: string,
  isDrawn: boolean,
  wording: Wording,
  settings: SubjectSettings,
): Promise<Subject> {
  const opened = await openStreamModel(path);
  const { config, weights: own } = opened.model;
  const language = languageOf(wording, (text) => [...opened.tokens(text)]);
  const weights = new Map(
    transformerParameters(config).map(({ name }) => [name, own.get(name) ?? new Float32Array()] as const),
  );
  const programs: AsyncDisposable[] = [];
  const model = {
    async reader(outputs: Parameters<Learner['reader']>[0]): Promise<Reader> {
      const program = await streamReader(streamModel(config, weights), outputs, { threads: settings.threads });
      programs.push(program);
      return program;
    },
  };
  return {
    ...(await readBy(model, config, language, settings)),
    async start(rng) {
      if (isDrawn) for (const [name, values] of initialWeights(config, rng)) weights.get(name)?.set(values);
    },
    async [Symbol.asyncDispose]() {
      for (const program of programs) await program[Symbol.asyncDispose]();
    },
  };
}

/** The persona base, taught or with drawn weights. */
export async function personaSubject(
  isDrawn: boolean,
  teaching: TeachingSettings,
  settings: SubjectSettings,
): Promise<Subject> {
  const config = personaModel(PERSONA_BASE);
  const language = personaLanguage();
  const taught = await createTeaching(config, language, settings.shape, teaching);
  return {
    ...(await readBy(taught.learner, config, language, settings)),
    async start(rng, base, onStep) {
      if (isDrawn) taught.learner.reset(initialWeights(config, rng), rng);
      else await taught.teach(await base(), rng, onStep);
    },
    [Symbol.asyncDispose]: () => taught.learner[Symbol.asyncDispose](),
  };
}

/** A small transformer that learned to answer by key, or by order. */
export async function knownSubject(
  world: TaskWorld,
  model: ModelSettings,
  settings: SubjectSettings,
): Promise<Subject> {
  const config = modelConfig(world, model);
  const learner = await createModel(world, model);
  const depths = depthsOf(KNOWN_SIXTHS, config.nLayers);
  const sites = depthSites(config);
  const reader = await createReader(learner, config, {
    rows: settings.rows,
    length: layoutOf(world).readAt + 1,
    sites: depths.map(({ layer }) => sites[layer] ?? ''),
  });
  return {
    reader,
    depths,
    keys: world.keys,
    values: world.values,
    draw: (rng) => promptOf(world, drawContext(world, rng)),
    async start(rng, _base, onStep) {
      await trainModel(learner, world, model, rng, (step) => onStep(step / model.steps));
    },
    [Symbol.asyncDispose]: () => learner[Symbol.asyncDispose](),
  };
}

async function readBy(
  model: Pick<Learner, 'reader'>,
  config: TransformerConfig,
  language: Language,
  { shape, sixths, rows }: SubjectSettings,
): Promise<Omit<Subject, 'start' | typeof Symbol.asyncDispose>> {
  const depths = depthsOf(sixths, config.nLayers);
  const sites = depthSites(config);
  const reader = await createReader(model, config, {
    rows,
    length: promptLength(language, shape),
    sites: depths.map(({ layer }) => sites[layer] ?? ''),
  });
  return {
    reader,
    depths,
    keys: language.keys.length,
    values: language.values.length,
    draw: (rng, pairings) => drawPrompt(language, shape, rng, pairings),
  };
}

/** Keys and values of the persona language that sentences are made of; fillers are of topics that are no keys. */
const WORDS = 48;
const FILLER_KINDS = 8;

/** "topic attribute answer" is a sentence, "topic attribute" a query. */
export function personaLanguage(): Language {
  const { doc, firstTopic, firstAttribute, firstAnswer } = PERSONA_LANGUAGE;
  const row = (first: number): readonly number[] => Array.from({ length: WORDS }, (_, i) => first + i);
  return {
    start: [doc],
    sentence: [firstTopic, firstAttribute, firstAnswer],
    query: [firstTopic, firstAttribute],
    at: { key: 0, value: 2, asked: 0 },
    fillers: Array.from({ length: FILLER_KINDS }, (_, i) => Array.from({ length: 3 }, () => firstTopic + WORDS + i)),
    keys: row(firstTopic),
    values: row(firstAnswer),
  };
}
