/**
 * Asks OpenAI-compatible endpoints over the network: with the key from the environment, with patience, and each question
 * once a store, since answers are kept in its folder.
 * Invariants: the key goes into the request's header and nowhere else: it is taken out of every text that leaves here,
 * before anything is cut from it; and no answer is longer in memory than the limit.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import type { Chat, ChatReply, ChatRequest } from '#base/chat.ts';
import { messageOf } from '#base/errors.ts';
import { isJsonObject, type Json } from '#base/json.ts';

import { boundedText } from './bounded-body.ts';
import { keyToSend, withoutKey, withoutKeyParts } from './judge-keys.ts';
import { keepAnswer, keptAnswer, questionId } from './kept-answers.ts';

/** How long to wait, and how often to try. */
export interface Patience {
  readonly tries: number;
  /** An answer takes at most so long. */
  readonly timeoutMs: number;
  /** Before the second try; doubled before each further one. */
  readonly firstDelayMs: number;
  /** The longest wait, also where the endpoint asks for more (Retry-After). */
  readonly mostDelayMs: number;
}

const PATIENCE: Patience = { tries: 6, timeoutMs: 120_000, firstDelayMs: 1000, mostDelayMs: 60_000 };
const FRESH_TRIES = 2;
/** What another try may mend: too busy, too slow, broken for the moment. */
const PASSING_STATUS = new Set([408, 409, 425, 429, 500, 502, 503, 504, 529]);
/** Of an error's text, so much is shown, in characters. */
const SHOWN = 240;
/** The longest answer that is read: a judge says a number. */
const MOST_BYTES = 1 << 20;

/** One try's end. */
type Outcome =
  | Extract<ChatReply, { kind: 'reply' }>
  | { readonly kind: 'failed'; readonly reason: string; readonly isPassing: boolean; readonly waitMs?: number };

/**
 * A service that keeps answers in the store's folder.
 * @param environment Where keys are looked up by name.
 */
export function chatService(
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
  patience: Patience = PATIENCE,
): Chat {
  const underWay = new Map<string, Promise<ChatReply>>();
  return async (request) => {
    const { keyVariable, url, signal } = request;
    const question = questionId(request);
    const kept = request.isFresh === true ? undefined : keptAnswer(folder, question);
    if (kept !== undefined) return kept;
    const found = keyToSend(keyVariable, url, environment);
    if (found.kind === 'refused') return { kind: 'failed', reason: found.reason };
    // Somebody waits at the terminal to hear whether the endpoint is there at all.
    const tries = request.isFresh === true ? Math.min(patience.tries, FRESH_TRIES) : patience.tries;
    const asking = underWay.get(question) ?? ask(request, found.key, { ...patience, tries });
    underWay.set(question, asking);
    try {
      const reply = await asking;
      signal?.throwIfAborted();
      // What was asked to see whether somebody is there makes no store.
      if (reply.kind === 'reply' && request.isFresh !== true) keepAnswer(folder, question, reply);
      return reply;
    } finally {
      underWay.delete(question);
    }
  };
}

async function ask(request: ChatRequest, key: string, patience: Patience): Promise<ChatReply> {
  let delayMs = patience.firstDelayMs;
  for (let tried = 1; ; tried++) {
    const outcome = await tryOnce(request, key, patience.timeoutMs);
    request.signal?.throwIfAborted();
    if (outcome.kind === 'reply') return { ...outcome, text: withoutKey(outcome.text, key) };
    const reason = shortened(withoutKeyParts(outcome.reason, key));
    if (!outcome.isPassing) return { kind: 'failed', reason };
    if (tried >= patience.tries) return { kind: 'failed', reason: `${reason} (${tried} tries)` };
    const waitMs = Math.min(Math.max(outcome.waitMs ?? 0, delayMs), patience.mostDelayMs);
    await sleep(waitMs, undefined, request.signal === undefined ? {} : { signal: request.signal }).catch(() => {});
    request.signal?.throwIfAborted();
    delayMs *= 2;
  }
}

async function tryOnce({ url, body, signal }: ChatRequest, key: string, timeoutMs: number): Promise<Outcome> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(`${url}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key === '' ? {} : { authorization: `Bearer ${key}` }) },
      body: JSON.stringify(body),
      redirect: 'error', // A redirect would carry the key to another place.
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    });
    const text = await boundedText(response, MOST_BYTES);
    if (text === undefined) {
      return {
        kind: 'failed',
        reason: `expected an answer of at most ${MOST_BYTES} bytes, found more`,
        isPassing: false,
      };
    }
    if (response.ok) return readAnswer(text);
    const reason = `status ${response.status}: ${text}`;
    const waitMs = 1000 * Number(response.headers.get('retry-after') ?? Number.NaN);
    const wait = Number.isFinite(waitMs) ? { waitMs } : {};
    return { kind: 'failed', reason, isPassing: PASSING_STATUS.has(response.status), ...wait };
  } catch (thrown) {
    const cause = thrown instanceof Error && thrown.cause !== undefined ? ` (${messageOf(thrown.cause)})` : '';
    const reason = timeout.aborted ? `no answer within ${timeoutMs} ms` : `${messageOf(thrown)}${cause}`;
    return { kind: 'failed', reason, isPassing: true };
  }
}

/** The text of a chat completion; a refusal is a text too. */
function readAnswer(text: string): Outcome {
  const answer = parsed(text);
  const choices = isJsonObject(answer) ? answer['choices'] : undefined;
  const first: Json | undefined = Array.isArray(choices) ? choices[0] : undefined;
  const message = isJsonObject(first) ? first['message'] : undefined;
  const { content, refusal } = isJsonObject(message) ? message : {};
  const said = typeof content === 'string' ? content : refusal;
  if (!isJsonObject(answer) || typeof said !== 'string') {
    return { kind: 'failed', reason: `expected a chat completion, found ${JSON.stringify(text)}`, isPassing: true };
  }
  const usage = isJsonObject(answer['usage']) ? answer['usage'] : {};
  return {
    kind: 'reply',
    text: said,
    isCached: false,
    promptTokens: countOf(usage['prompt_tokens']),
    completionTokens: countOf(usage['completion_tokens']),
  };
}

function countOf(value: Json | undefined): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** An error's text as it is shown. */
function shortened(text: string): string {
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)} ...`;
}
