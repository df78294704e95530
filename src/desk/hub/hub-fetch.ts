/**
 * How a hub's lists are asked for: its pages in memory, few and short, and from nowhere but the hub.
 * Invariant: the token goes to the hub's origin alone. A page that says the list goes on elsewhere is refused; a redirect
 * elsewhere is followed without the token, which is what `fetch` does (https://fetch.spec.whatwg.org, HTTP-redirect fetch).
 */
import { AssayError } from '#base/errors.ts';
import { boundedText } from '#desk/bounded-body.ts';

/** A page holds a thousand files, and no model has a hundred thousand. */
const MOST_REQUESTS = 100;
const MOST_BYTES = 1 << 24;
const TIMEOUT_MS = 60_000;

/** A `fetch` for the requests of one model; its answers are read whole. */
export function hubFetch(hubUrl: string, signal?: AbortSignal): typeof fetch {
  let requests = 0;
  return async (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.origin !== new URL(hubUrl).origin) {
      throw refusal(hubUrl, 'its list of files to go on at the same address', `that it goes on at ${url.origin}`);
    }
    if (++requests > MOST_REQUESTS) {
      throw refusal(hubUrl, `a list of files of at most ${MOST_REQUESTS} pages`, 'that it goes on');
    }
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    const ends = signal === undefined ? timeout : AbortSignal.any([timeout, signal]);
    const response = await fetch(input, { ...init, signal: ends });
    const text = await boundedText(response, MOST_BYTES);
    if (text === undefined) throw refusal(hubUrl, `pages of at most ${MOST_BYTES} bytes`, 'a longer one');
    const { status, statusText, headers } = response;
    return new Response(text === '' ? null : text, { status, statusText, headers });
  };
}

function refusal(hubUrl: string, expected: string, found: string): AssayError {
  return new AssayError('file', `${hubUrl}: expected ${expected}, found ${found}. Nothing was downloaded from there.`);
}
