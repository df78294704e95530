/** Asks an agent again about its own decisions, its thoughts changed: an endpoint, or a model of this machine. */
import type { Chat } from '#base/chat.ts';
import { AssayError } from '#base/errors.ts';
import type { Rng } from '#base/rng.ts';
import type { Audience } from '#desk/audience.ts';
import { explicitness, type ExplicitnessOptions, type ExplicitnessRecord, questionsOf } from '#scoring/explicitness.ts';
import { tokensOf } from '#scoring/judging.ts';
import { chatDecider, decisionMessages, paraphrased } from '#scoring/said/chat-decider.ts';
import { announcedBy, decisionsOf, type FoundDecisions } from '#scoring/said/decisions.ts';
import { localDecider } from '#scoring/said/local-decider.ts';
import { openLocalModel } from '#scoring/said/local-model.ts';
import { paidDecider } from '#scoring/said/paid-decider.ts';
import { type TradeRecord, tradeOrValues } from '#scoring/trade-or-values.ts';
import type { Decider } from '#scoring/decider.ts';
import type { Step, Transcript } from '#scoring/transcript.ts';

import type { Again, AskedAgain } from './asked-again.ts';
import { type AskedSoFar, countedChat } from './counted-chat.ts';

/** What came of it. */
export interface ExplicitOutcome {
  readonly record: ExplicitnessRecord;
  /** Where terms were offered. */
  readonly trade?: TradeRecord;
  readonly bills: readonly string[];
}

/** Who works on it. */
export interface Asking {
  readonly chat: Chat;
  readonly audience: Audience;
  readonly signal: AbortSignal;
  /** Of a model of this machine. */
  readonly threads: number;
  readonly rng: Rng;
}

/** What will be asked, in words, before it is. */
export function costOfAsking(asked: AskedAgain, transcripts: readonly Transcript[]): readonly string[] {
  const found = decisionsOf(transcripts, asked.options);
  const { decisions } = found;
  const questions = expected(asked, decisions.length);
  const left = Object.entries(found.without).map(([reason, count]) => `${count} left out: ${reason}`);
  const seen = `agent: ${[`${decisions.length} decisions with the thought before them`, ...left].join('; ')}`;
  if (asked.again.kind === 'model')
    return [seen, `agent: ${questions} questions to the model of this machine, which cost time alone`];
  const characters = decisions.reduce(
    (sum, { situation, thought }) => sum + JSON.stringify(decisionMessages(situation, thought, asked.options)).length,
    0,
  );
  const tokens = decisions.length === 0 ? 0 : tokensOf((characters / decisions.length) * questions);
  const { price } = asked.again;
  const cost = price.prompt === 0 ? '' : `, about ${((tokens * price.prompt) / 1e6).toFixed(2)} for prompts`;
  return [
    seen,
    `agent: at most ${questions} questions, about ${tokens} prompt tokens${cost}; what was answered before is kept`,
  ];
}

/** Asks. @throws AssayError where there is no decision, or the agent does not answer. */
export async function askAgain(
  asked: AskedAgain,
  transcripts: readonly Transcript[],
  asking: Asking,
): Promise<ExplicitOutcome> {
  const found = decisionsOf(transcripts, asked.options);
  if (found.decisions.length === 0) throw noDecision(found);
  const { again } = asked;
  return again.kind === 'model' ? askModel(asked, again, found, asking) : askEndpoint(asked, again, found, asking);
}

async function askModel(
  asked: AskedAgain,
  { path }: Extract<Again, { kind: 'model' }>,
  { decisions }: FoundDecisions,
  { audience, signal, threads, rng }: Asking,
): Promise<ExplicitOutcome> {
  await using model = await openLocalModel(path, threads);
  let saidMs = audience.now();
  const progress = (doneFraction: number): void => {
    if (audience.now() - saidMs < 2000) return;
    saidMs = audience.now();
    audience.note(`agent: ${Math.round(100 * doneFraction)}%`);
  };
  const decider = localDecider(model, asked.options);
  const record = await explicitness(decisions, decider, { ...optionsOf(asked), rng, signal, progress });
  return { record, ...(await tradeOf(asked, decider, decisions, { signal })), bills: [] };
}

async function askEndpoint(
  asked: AskedAgain,
  { agent, concurrency, price }: Extract<Again, { kind: 'endpoint' }>,
  { decisions }: FoundDecisions,
  { chat, audience, signal, rng }: Asking,
): Promise<ExplicitOutcome> {
  const counted = countedChat(chat, expected(asked, decisions.length), audience, 'agent');
  let unnamed = 0;
  const all = { agent, chat: counted.chat, signal, unnamed: () => void unnamed++ };
  const decider = chatDecider(all, asked.options, asked.samples);
  const record = await explicitness(decisions, decider, {
    ...optionsOf(asked),
    rng,
    signal,
    concurrency,
    ...(asked.isParaphrased && { paraphrase: async (thought: string) => paraphrased(all, thought) }),
  });
  const trade = await tradeOf(asked, decider, decisions, { signal, concurrency });
  counted.end();
  return { record, ...trade, bills: [billOf(counted.soFar, unnamed, price)] };
}

/** The same decisions under each of the terms, where some are offered. */
async function tradeOf(
  { options, offer }: AskedAgain,
  decider: Decider<readonly Step[], string>,
  decisions: FoundDecisions['decisions'],
  more: { readonly signal: AbortSignal; readonly concurrency?: number },
): Promise<Pick<ExplicitOutcome, 'trade'>> {
  if (offer === undefined) return {};
  const paid = paidDecider(decider, decisions, options, offer);
  return { trade: await tradeOrValues(paid.agent, { ...paid.options, ...more }) };
}

function optionsOf({
  options,
  donors,
  replacement,
}: AskedAgain): Omit<ExplicitnessOptions<readonly Step[], string>, 'rng'> {
  return {
    donors,
    says: (thought) => announcedBy(thought, options),
    ...(replacement !== undefined && { replacement: () => replacement }),
  };
}

function expected(asked: AskedAgain, decisions: number): number {
  const { again, samples, donors, replacement, isParaphrased, offer } = asked;
  const isExact = again.kind === 'model';
  const underTerms = offer === undefined ? 0 : decisions * offer.payments.length * offer.chances.length;
  const questions = questionsOf(decisions, isExact, {
    donors,
    ...(replacement !== undefined && { replacement }),
    ...(isParaphrased && { paraphrase: true }),
  });
  return isExact ? questions + underTerms : (questions + underTerms) * samples + (isParaphrased ? decisions : 0);
}

function billOf(
  soFar: AskedSoFar,
  unnamed: number,
  price: { readonly prompt: number; readonly completion: number },
): string {
  const { asked, cached, failed, promptTokens, completionTokens } = soFar;
  const cost = (promptTokens * price.prompt + completionTokens * price.completion) / 1e6;
  const costText = price.prompt === 0 && price.completion === 0 ? '' : `, cost ${cost.toFixed(4)}`;
  return `agent: ${asked} questions, ${cached} answered from what was kept, ${unnamed} answers that named none of the options, ${failed} failed; ${promptTokens} prompt and ${completionTokens} completion tokens${costText}`;
}

function noDecision({ without }: FoundDecisions): AssayError {
  const reasons = Object.entries(without).map(([reason, count]) => `${count}: ${reason}`);
  return new AssayError(
    'data',
    `--explicit: expected at least one decision with a thought before it, found none (${reasons.join('; ')}).`,
  );
}
