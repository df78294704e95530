/** A chat that says how far it is, and counts what it cost. */
import type { Chat } from '#base/chat.ts';
import type { Audience } from '#desk/audience.ts';

/** What was asked so far. */
export interface AskedSoFar {
  asked: number;
  cached: number;
  failed: number;
  promptTokens: number;
  completionTokens: number;
}

/** Progress is said at most so often, in milliseconds. */
const EVERY_MS = 2000;

/** @param expected Questions in all, for the progress. @param name Who is asked. */
export function countedChat(
  chat: Chat,
  expected: number,
  audience: Audience,
  name: string,
): { readonly chat: Chat; readonly soFar: AskedSoFar; end(): void } {
  const soFar: AskedSoFar = { asked: 0, cached: 0, failed: 0, promptTokens: 0, completionTokens: 0 };
  let saidMs = audience.now();
  const say = (): void => audience.note(`${name}: ${soFar.asked} of ${Math.max(expected, soFar.asked)} questions`);
  return {
    soFar,
    async chat(request) {
      const reply = await chat(request);
      soFar.asked++;
      if (reply.kind === 'failed') soFar.failed++;
      else if (reply.isCached) soFar.cached++;
      else {
        soFar.promptTokens += reply.promptTokens;
        soFar.completionTokens += reply.completionTokens;
      }
      if (audience.now() - saidMs >= EVERY_MS) {
        saidMs = audience.now();
        say();
      }
      return reply;
    },
    end() {
      if (soFar.asked > 0) say();
    },
  };
}
