/** The endpoints that a plan's runs ask: said before anything is sent, tried once before any run. */
import type { Chat } from '#base/chat.ts';
import { AssayError } from '#base/errors.ts';
import { canonicalJson, isJsonObject, type Json } from '#base/json.ts';
import { chatService } from '#desk/chat-service.ts';
import { keyToSend, type Leave, withLeave } from '#desk/judge-keys.ts';
import { configOf, type StudyPlan } from '#study/plan.ts';
import { parseSetting } from '#study/settings.ts';

import type { Given } from './options.ts';
import type { Terminal } from './terminal.ts';

const KEY_SETTING = 'keyVariable';
const URL_SETTING = 'url';
/** `localhost`, its subdomains and the loopback addresses, as a parsed address writes them. */
const THIS_MACHINE = /^(?:(?:.+\.)?localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/**
 * What runs need from elsewhere is there, or nothing is begun. Endpoints on other machines are named first, with the key
 * that goes there. @throws AssayError where one does not answer, or a key may not be sent.
 */
export async function checkReady(
  plan: StudyPlan,
  folder: string,
  given: Given,
  terminal: Pick<Terminal, 'note'>,
): Promise<void> {
  const { recipe, arms } = plan.study;
  giveLeave(given);
  if (recipe.ready === undefined) return;
  const ask = chatService(folder, process.env);
  const asked = new Map<string, ReturnType<Chat>>();
  const said = new Set<string>();
  const chat: Chat = async (request) => {
    const line = endpointLine(request.url, request.keyVariable, given.flag('json'));
    if (line !== undefined && !said.has(line)) terminal.note(line);
    said.add(line ?? '');
    const key = canonicalJson({ url: request.url, key: request.keyVariable, body: request.body });
    const reply = asked.get(key) ?? ask(request);
    asked.set(key, reply);
    return reply;
  };
  for (const arm of arms) {
    await recipe.ready(configOf(plan, arm, arm.learningRates[0]), chat);
  }
}

/** Lets the endpoints and keys that the user named pass, in this process and its workers, which get its environment. */
export function giveLeave(given: Given): void {
  Object.assign(process.env, withLeave(process.env, leaveIn(given)));
}

/** Where something goes; undefined where that is this machine, or nothing will be sent. */
export function endpointLine(
  url: string,
  keyVariable: string,
  isJson: boolean,
  what = 'Replies of this study',
): string | undefined {
  const isHere = URL.canParse(url) && THIS_MACHINE.test(new URL(url).hostname);
  if (isHere || keyToSend(keyVariable, url, process.env).kind === 'refused') return undefined;
  if (isJson) return canonicalJson({ kind: 'endpoint', url, keyVariable });
  const withKey = keyVariable === '' ? 'without a key' : `with the key in ${keyVariable}`;
  return `${what} are sent to ${url}, ${withKey}.`;
}

/** What the user has named: by `--allow-key` and `--allow-endpoint`, or in a setting of the command line. */
function leaveIn(given: Given): Leave {
  const keys = given.texts('allow-key');
  const badKey = keys.find((name) => !/^[A-Za-z_]\w*$/.test(name));
  if (badKey !== undefined) {
    throw new AssayError('usage', `--allow-key expects the name of an environment variable, found "${badKey}".`);
  }
  const endpoints = given.texts('allow-endpoint');
  const badUrl = endpoints.find((url) => !/^https?:\/\//.test(url) || !URL.canParse(url));
  if (badUrl !== undefined) {
    throw new AssayError(
      'usage',
      `--allow-endpoint expects an address such as http://localhost:8000, found "${badUrl}".`,
    );
  }
  const set = given.texts('set').map(parseSetting);
  const named = (setting: string): string[] =>
    set.flatMap(({ path, value }) => textsIn({ [path.split('.').at(-1) ?? '']: value }, setting));
  return { keys: [...keys, ...named(KEY_SETTING)], endpoints: [...endpoints, ...named(URL_SETTING)] };
}

/** The texts of a name anywhere in a value. */
function textsIn(value: Json, name: string): string[] {
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, part]) =>
    key === name && typeof part === 'string' ? [part] : textsIn(part, name),
  );
}
