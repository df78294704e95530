/**
 * Asking a language model behind an OpenAI-compatible endpoint: what is asked and what comes back.
 * Only types: who asks (a measure) has no network, and who has the network (the command line) does not know what for.
 */
import type { JsonObject } from '#base/json.ts';

/** One question to an endpoint's `/chat/completions`. */
export interface ChatRequest {
  /** The API's address, such as `https://api.openai.com/v1`. */
  readonly url: string;
  /** The environment variable that holds the key; '' for none. The key itself is known to the command line alone. */
  readonly keyVariable: string;
  /** The request's body: `model`, `messages` and the rest. */
  readonly body: JsonObject;
  /** Which of several independent askings of the same question this is; each is asked and kept for itself (default 0). */
  readonly draw?: number;
  /** Asks anew, whatever was kept of an equal question: to see whether the endpoint is there. */
  readonly isFresh?: boolean;
  /** Aborted: nobody waits for the answer any more. */
  readonly signal?: AbortSignal;
}

/** What an endpoint answered, or why it did not after several tries. */
export type ChatReply =
  | {
      readonly kind: 'reply';
      readonly text: string;
      /** Answered from what was kept of an earlier, equal question. */
      readonly isCached: boolean;
      /** As the endpoint counted them; 0 where it did not. */
      readonly promptTokens: number;
      readonly completionTokens: number;
    }
  | { readonly kind: 'failed'; readonly reason: string };

/** Asks; never throws for what the endpoint does. @throws the signal's reason when aborted. */
export type Chat = (request: ChatRequest) => Promise<ChatReply>;
