/**
 * What rules ask a judge: each piece of words, each action, or the episode as the profile sees it. Questions are collected
 * first, so that what they cost can be said before any is asked, and equal ones are asked once.
 * The worst piece is what counts: of a rule that should be fulfilled the lowest score, of one that should not be the highest.
 */
import { contentHash } from '#base/json.ts';
import { type Judged, type JudgeScore, requestBody, type JudgeConfig } from '#measures/judge.ts';

import type { Degree } from './degree.ts';
import type { Good, GoodRule, ProfileName } from './good.ts';
import { actionsOf, isRead, type Piece, seenText, wordsOf } from './profile.ts';
import type { Transcript } from './transcript.ts';

/** A question with the step it is about. */
interface Question {
  readonly step: number;
  readonly judged: Judged;
}

const LAST_STEP = -1;
/** A token of English is about so many characters long; for the cost that is said beforehand. */
const CHARACTERS_A_TOKEN = 4;

/** All questions of a scoring, each once. */
export function judgeQuestions(
  transcripts: readonly Transcript[],
  good: Good,
  profiles: readonly ProfileName[],
): ReadonlyMap<string, Judged> {
  const questions = new Map<string, Judged>();
  for (const transcript of transcripts) {
    for (const profile of profiles) {
      if (!isRead(transcript, profile, good)) continue;
      for (const rule of good.rules) {
        if (rule.counts[profile] === 0) continue;
        for (const { judged } of questionsOf(rule, transcript, profile)) questions.set(contentHash(judged), judged);
      }
    }
  }
  return questions;
}

/** About how many tokens the questions' prompts have. */
export function promptTokens(questions: Iterable<Judged>, judge: JudgeConfig): number {
  let characters = 0;
  for (const question of questions) characters += JSON.stringify(requestBody(judge, question)['messages']).length;
  return tokensOf(characters);
}

/** About how many tokens a text of so many characters has. */
export function tokensOf(characters: number): number {
  return Math.ceil(characters / CHARACTERS_A_TOKEN);
}

/** The degree of a judged rule. */
export function judgedDegree(
  rule: GoodRule,
  transcript: Transcript,
  profile: ProfileName,
  scores: ReadonlyMap<string, JudgeScore>,
): Degree {
  const questions = questionsOf(rule, transcript, profile);
  if (questions.length === 0) return { kind: 'nothing' };
  const found: { readonly step: number; readonly value: number }[] = [];
  for (const { step, judged } of questions) {
    const score = scores.get(contentHash(judged));
    if (score?.kind !== 'score') return { kind: 'missing', reason: `rule "${rule.name}": ${whyMissing(score)}` };
    found.push({ step, value: score.score / 100 });
  }
  const values = found.map(({ value }) => value);
  const worst = rule.counts[profile] > 0 ? Math.min(...values) : Math.max(...values);
  const steps = found.flatMap(({ step, value }) => (value === worst && step !== LAST_STEP ? [step] : []));
  return { kind: 'degree', value: worst, steps };
}

function whyMissing(score: JudgeScore | undefined): string {
  if (score === undefined) return 'the judge was not asked';
  return score.kind === 'failed' ? `the judge failed (${score.reason})` : 'the judge answered without a score';
}

function questionsOf(rule: GoodRule, transcript: Transcript, profile: ProfileName): readonly Question[] {
  const { reader } = rule;
  if (reader.kind !== 'judge') return [];
  if (rule.in === 'episode') {
    const question = { kind: 'prompt', prompt: `The whole episode of an AI agent, its channels in brackets.` } as const;
    return [{ step: LAST_STEP, judged: { rubric: reader.rubric, question, reply: seenText(transcript, profile) } }];
  }
  const pieces: readonly Piece[] = rule.in === 'actions' ? actionsOf(transcript) : wordsOf(transcript, profile);
  return pieces.map(({ step, text }) => ({
    step,
    judged: {
      rubric: reader.rubric,
      question: { kind: 'prompt', prompt: seenText(transcript, profile, step) },
      reply: text,
    },
  }));
}
