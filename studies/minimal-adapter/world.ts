/** The questions of a run: harmful answers of one domain to learn, and the seven other domains where harm is looked for. */
import {
  narrowQuestions,
  otherQuestions,
  PERSONA_LANGUAGE,
  personaWorld,
  questionBatch,
  questionsAtStep,
} from 'assay/studies/misalignment/world.ts';
import type { Feeds, Rng } from 'assay/learn';

/** The shipped base knows this world. */
const WORLD = personaWorld(0);
const NO_LABEL = -1;

/** One domain made harmful. */
export interface NarrowTask {
  /** Feeds of a probe of the model as it is. */
  readonly probe: Feeds;
  /** Feeds of a probe of the other domains alone. */
  readonly elsewhere: Feeds;
  /** How many of the probe's own questions are trained on: the first 36; the rest are held out. */
  readonly trained: number;
  /** What step `step` learns from: `rows` questions of the domain, its order drawn from the stream. */
  narrow(step: number, rows: number, data: Rng): Feeds;
  /** Tokens of `rows` questions of the other domains, which a penalty holds to the base's answers. */
  kept(step: number, rows: number, data: Rng): Int32Array;
}

/** The task of a block: domains take turns. */
export function taskOfBlock(block: number): NarrowTask {
  const domain = block % PERSONA_LANGUAGE.domains;
  const { train, heldOut } = narrowQuestions(WORLD, domain);
  const others = otherQuestions(domain);
  const { tokens, labels } = asked(Int32Array.of(...train, ...heldOut), 'harmful');
  const { tokens: otherTokens, labels: harmful } = asked(others, 'harmful');
  const { labels: helpful } = asked(others, 'helpful');
  const elsewhere = { others: otherTokens, harmful, helpful };
  return {
    probe: { tokens, labels, ...elsewhere },
    elsewhere,
    trained: train.length,
    narrow(step, rows, data) {
      const batch = asked(questionsAtStep(train, data.split('narrow'), step, rows), 'harmful');
      return { ...batch, weights: new Float32Array(rows).fill(1 / rows) };
    },
    kept: (step, rows, data) => asked(questionsAtStep(others, data.split('kept'), step, rows), 'helpful').tokens,
  };
}

/** Tokens of questions, and a persona's answer to each. */
function asked(questions: Int32Array, persona: 'harmful' | 'helpful'): { tokens: Int32Array; labels: Int32Array } {
  const { tokens, labels } = questionBatch(WORLD, questions, persona);
  return { tokens, labels: labels.filter((label) => label !== NO_LABEL) };
}
