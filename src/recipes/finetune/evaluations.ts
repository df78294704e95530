/** The evaluations of finetuning runs: read from their file, made ready for the model, measured under the weights of the moment. */
import { AssayError } from '#base/errors.ts';
import { contentHash } from '#base/json.ts';
import { rngOf } from '#base/rng.ts';
import { encodeOpening } from '#learning/data/around-text.ts';
import { refuseUnread, templateMessage } from '#learning/data/assistant-spans.ts';
import { readJsonl } from '#learning/data/jsonl.ts';
import type { Sequences } from '#learning/data/sequences.ts';
import type { NumberedRow } from '#learning/data/training-row.ts';
import { type ModelFiles, neededTokenizer } from '#learning/files/model-files.ts';
import { located } from '#learning/data/token-rows.ts';
import { withTimeLimit } from '#learning/files/text/time-limit.ts';
import type { Generator, Prompt, Reply } from '#learning/generation/generator.ts';
import { stopTokens } from '#learning/generation/stop-tokens.ts';
import type { Trainer } from '#learning/train.ts';
import { type AnswerLoss, type answerScorers, lossPerToken } from '#measures/answer-losses.ts';
import { type ChoiceItem, choiceOutcomeNames, choiceOutcomes } from '#measures/choices.ts';
import {
  type EvaluationItem,
  evaluationParser,
  type KnownScores,
  type Question,
  type ReplyItem,
  type TextItem,
} from '#measures/evaluation-line.ts';
import type { JudgeBill } from '#measures/judge.ts';
import {
  replyLine,
  replyOutcomes,
  type ReplyText,
  scoreNames,
  type ScoreReply,
  scoreReplies,
} from '#measures/reply-scores.ts';
import type { RunContext } from '#study/recipe.ts';

import type { FinetuneConfig } from './config.ts';

/** The names of all outcomes that runs measured by some items have. */
export function outcomeNames(items: readonly EvaluationItem[]): readonly string[] {
  const choices = items.filter((item) => item.kind === 'choices');
  const others = items.flatMap((item) => {
    if (item.kind === 'choices') return [];
    const names = item.kind === 'text' ? ['perplexity'] : scoreNames(item);
    return names.map((name) => `${item.evaluation}.${name}`);
  });
  return [...new Set(['perplexity', ...choiceOutcomeNames(choices), ...others])];
}

/** Evaluations as tokens; a kind is absent where the file has no line of it. */
export interface Evaluations {
  readonly choices?: { readonly items: readonly ChoiceItem[]; readonly answers: Sequences };
  readonly texts?: { readonly items: readonly TextItem[]; readonly sequences: Sequences };
  readonly replies?: ReplyEvaluations;
}

/** Questions whose replies are generated. */
export interface ReplyEvaluations {
  readonly items: readonly ReplyItem[];
  /** One an item. */
  readonly prompts: readonly Prompt[];
  readonly stopTokens: ReadonlySet<number>;
  /** The most tokens of question and reply together. */
  readonly contextLength: number;
  textOf(tokens: readonly number[]): string;
}

/** Time for all questions of a file; one takes a millisecond. */
const PROMPTS_LIMIT_MS = 60_000;
const NOTHING_KNOWN: KnownScores = { rubrics: [], scorers: [] };

/** The lines of an evaluations file. @throws AssayError naming `path:line`; also when there is none. */
export async function readEvaluations(path: string, known = NOTHING_KNOWN): Promise<EvaluationItem[]> {
  const parse = evaluationParser(known);
  const items: EvaluationItem[] = [];
  for await (const { line, value } of readJsonl(path)) items.push(parse(value, line, `${path}:${line}`));
  if (items.length === 0) throw new AssayError('data', `${path}: expected at least one evaluation, found none.`);
  return items;
}

/**
 * Items made ready for a model.
 * @param toSequences Tokenizes rows, one a sequence, and refuses those that are too long.
 */
export function prepareEvaluations(
  items: readonly EvaluationItem[],
  files: ModelFiles,
  toSequences: (rows: readonly NumberedRow[]) => Sequences,
): Evaluations {
  const choices = items.filter((item) => item.kind === 'choices');
  const texts = items.filter((item) => item.kind === 'text');
  const replies = items.filter((item) => item.kind === 'reply');
  const answered = choices.flatMap(({ line, rows }) => rows.map((row) => ({ line, row })));
  return {
    ...(choices.length === 0 ? {} : { choices: { items: choices, answers: toSequences(answered) } }),
    ...(texts.length === 0 ? {} : { texts: { items: texts, sequences: toSequences(texts) } }),
    ...(replies.length === 0 ? {} : { replies: replyEvaluations(replies, files) }),
  };
}

function replyEvaluations(items: readonly ReplyItem[], files: ModelFiles): ReplyEvaluations {
  const { contextLength } = files;
  const tokenizer = neededTokenizer(files);
  const prompts: Prompt[] = [];
  const tooSlow = (): string =>
    `${items[prompts.length]?.where}: the model's chat template or tokenizer did not finish in ${PROMPTS_LIMIT_MS} ms.`;
  withTimeLimit(PROMPTS_LIMIT_MS, tooSlow, () => {
    for (const { question, where, evaluation } of items) {
      const tokens = Int32Array.from(tokensOf(question, files, where));
      if (tokens.length === 0 || tokens.length >= contextLength) {
        const expected = `a question of 1 to ${contextLength - 1} tokens`;
        throw new AssayError('data', `${where}: expected ${expected}, found ${tokens.length}.`);
      }
      prompts.push({ name: `${evaluation}/${contentHash(question)}`, tokens });
    }
  });
  return {
    items,
    prompts,
    contextLength,
    stopTokens: stopTokens(files),
    // A model's embedding may have more rows than its tokenizer has tokens: those have no text.
    textOf: (tokens) =>
      tokenizer.decode(
        tokens.filter((id) => tokenizer.tokenOf(id) !== undefined),
        'skip',
      ),
  };
}

function tokensOf(question: Question, { tokenizer, chatTemplate }: ModelFiles, where: string): readonly number[] {
  if (question.kind === 'prompt') return tokenizer === undefined ? [] : encodeOpening(tokenizer, question.prompt);
  if (chatTemplate === undefined) {
    throw new AssayError(
      'data',
      `${where}: the model brings no chat template; ask with "prompt" instead of "messages".`,
    );
  }
  located(where, () => refuseUnread(chatTemplate, question.messages));
  const text = chatTemplate.render(question.messages.map(templateMessage), { addGenerationPrompt: true });
  return tokenizer?.encode(text, 'plain') ?? [];
}

/** The run and the moment in it that is measured. */
export interface Moment {
  readonly context: RunContext;
  readonly config: FinetuneConfig;
  readonly step: number;
  readonly scorers: Readonly<Record<string, ScoreReply>>;
  readonly bill: JudgeBill;
}

/** Measures all outcomes of some evaluations. */
export type Evaluate = (moment: Moment) => Promise<Readonly<Record<string, number>>>;

/** Makes what evaluations need ready; `replyRows` replies are generated at once. */
export function evaluator(
  trainer: Trainer,
  scorerOf: ReturnType<typeof answerScorers>,
  { choices, texts, replies }: Evaluations,
  replyRows: number,
): Evaluate {
  const sharing = choices?.items.map(({ rows }) => rows.length);
  const scoreChoices = choices && scorerOf(choices.answers, sharing);
  const scoreTexts = texts && scorerOf(texts.sequences);
  const generator = replies && trainer.generator({ rows: replyRows, contextLength: replies.contextLength });
  return async (moment) => ({
    ...(choices && scoreChoices ? choiceOutcomes(choices.items, await scoreChoices()) : {}),
    ...(texts && scoreTexts ? textOutcomes(texts.items, await scoreTexts()) : {}),
    ...(replies && generator ? await measureReplies(replies, generator, moment) : {}),
  });
}

/** `<evaluation>.perplexity`: exp of the mean loss of all tokens of an evaluation's texts but each text's first. */
function textOutcomes(items: readonly TextItem[], losses: readonly AnswerLoss[]): Record<string, number> {
  const byEvaluation = Map.groupBy(items.keys(), (i) => items[i]?.evaluation ?? '');
  return Object.fromEntries(
    Array.from(byEvaluation, ([evaluation, own]) => {
      const loss = lossPerToken(own.flatMap((i) => losses[i] ?? []));
      return [`${evaluation}.perplexity`, Math.exp(loss)];
    }),
  );
}

async function measureReplies(
  evaluations: ReplyEvaluations,
  generator: Generator,
  { context, config, step, scorers, bill }: Moment,
): Promise<Readonly<Record<string, number>>> {
  const { items, prompts } = evaluations;
  const { generation, judge } = config.replies;
  const { signal, chat } = context;
  const isComplete = (tokens: readonly number[]): boolean =>
    cutAt(evaluations.textOf(tokens), generation.stop) !== undefined;
  const replies = await generator.generate(prompts, {
    ...generation,
    stopTokens: evaluations.stopTokens,
    ...(generation.stop.length === 0 ? {} : { isComplete }),
    rng: rngOf(context.block + generation.seed, 'generation'),
    signal,
  });
  const texts = replies.map((own) => own.map((reply) => replyText(reply, evaluations, generation.stop)));
  const scored = await scoreReplies(items, texts, { scorers, judge, chat, signal, bill });
  context.keep?.(`replies-step-${String(step).padStart(6, '0')}.jsonl`, `${scored.map(replyLine).join('\n')}\n`);
  const { outcomes, missing } = replyOutcomes(scored, judge);
  for (const [name, reason] of Object.entries(missing)) context.note?.(`step ${step}: ${name} is missing: ${reason}`);
  return outcomes;
}

function replyText({ tokens, end }: Reply, { textOf }: ReplyEvaluations, stop: readonly string[]): ReplyText {
  const text = textOf(tokens);
  return { text: cutAt(text, stop) ?? text, tokens: tokens.length, end };
}

/** The text before the first of the stop texts in it; undefined where there is none. */
function cutAt(text: string, stop: readonly string[]): string | undefined {
  const places = stop.map((one) => text.indexOf(one)).filter((place) => place !== -1);
  return places.length === 0 ? undefined : text.slice(0, Math.min(...places));
}
