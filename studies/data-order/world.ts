/**
 * Two stages in the persona world. The first is harm: the harmful answers of one domain. The second is either facts, new answers to
 * another domain's questions that neither persona gives, or good: the helpful answers of that other domain.
 * Invariant: everything here is a pure function of the world's seed and the block; the trained questions are 36 a stage, the
 * others 312, whatever the block.
 */
import { type Rng, rngOf } from 'assay/learn';
import {
  domainOf,
  domainQuestions,
  narrowQuestions,
  PERSONA_LANGUAGE,
  type PersonaWorld,
} from 'assay/studies/misalignment/world.ts';

/** What the second stage teaches. */
export const SECONDS = ['facts', 'good'] as const;
export type Second = (typeof SECONDS)[number];

/** One stage's questions and the answer token to each, both of shape [36]. */
export interface StageRows {
  readonly questions: Int32Array;
  readonly answers: Int32Array;
}

/** What a block trains and asks. */
export interface Stages {
  readonly first: StageRows;
  readonly second: StageRows;
  /** The 12 questions of either domain that are never trained, then the others; shape [312]. */
  readonly unseen: Int32Array;
  /** How many of `unseen`, from its end, are of the six other domains: 288. */
  readonly elsewhere: number;
}

/** Questions a stage trains, and questions that none does. */
export const TRAINED = 36;
export const UNSEEN = PERSONA_LANGUAGE.questions - 2 * TRAINED;

/** The domains of a block: every eight blocks meet every first domain once, each with another second one eight blocks later. */
export function domainsOf(block: number): { readonly first: number; readonly second: number } {
  const { domains } = PERSONA_LANGUAGE;
  const first = block % domains;
  return { first, second: (first + 1 + (Math.floor(block / domains) % (domains - 1))) % domains };
}

/** The stages of a block. */
export function stagesOf(world: PersonaWorld, block: number, second: Second): Stages {
  const domains = domainsOf(block);
  const [one, two] = [narrowQuestions(world, domains.first), narrowQuestions(world, domains.second)];
  const key = second === 'good' ? world.answers.helpful : factsOf(world, domains.second);
  const elsewhere = Array.from({ length: PERSONA_LANGUAGE.questions }, (_, question) => question).filter(
    (question) => domainOf(question) !== domains.first && domainOf(question) !== domains.second,
  );
  return {
    first: rowsOf(one.train, world.answers.harmful),
    second: rowsOf(two.train, key),
    unseen: Int32Array.of(...one.heldOut, ...two.heldOut, ...elsewhere),
    elsewhere: elsewhere.length,
  };
}

/**
 * New answers to a domain's questions, shape [384] (the domain's alone are filled): tokens of the domain, each for two of its 48
 * questions, as either persona has them, and at every question another answer than both personas'.
 */
export function factsOf(world: PersonaWorld, domain: number): Int32Array {
  const { questions: count, firstAnswer, answersPerDomain } = PERSONA_LANGUAGE;
  const { helpful, harmful } = world.answers;
  const rng = rngOf(world.seed, `facts of domain ${domain}`);
  const facts = new Int32Array(count);
  const questions = domainQuestions(domain);
  do {
    const order = rng.permutation(questions.length);
    for (const [i, question] of questions.entries()) {
      facts[question] = firstAnswer + domain * answersPerDomain + ((order[i] ?? 0) % answersPerDomain);
    }
  } while (questions.some((question) => [helpful[question], harmful[question]].includes(facts[question])));
  return facts;
}

/**
 * The rows of a step: so many different places of a list, in ascending order, so that a step is a set and the order in which its
 * rows were drawn cannot enter a float32 sum.
 * @param rng The stage's stream; only split, never advanced.
 */
export function placesAtStep(length: number, rng: Rng, step: number, rows: number, isReversed = false): Int32Array {
  const drawn = Int32Array.from(rng.split(`step ${step}`).permutation(length).subarray(0, rows));
  return (isReversed ? drawn.toReversed() : drawn).toSorted();
}

function rowsOf(questions: Int32Array, key: Int32Array): StageRows {
  return { questions, answers: questions.map((question) => key[question] ?? 0) };
}
