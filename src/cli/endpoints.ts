/** The endpoints that a plan's runs ask: said before anything is sent, tried once before any run. */
import type { Chat } from '#base/chat.ts';
import { AssayError } from '#base/errors.ts';
import { canonicalJson, isJsonObject, type Json } from '#base/json.ts';
import { chatService } from '#desk/chat-service.ts';
import { allowedKeys, keyToSend } from '#desk/judge-keys.ts';
import { configOf, type StudyPlan } from '#study/plan.ts';
import { parseSetting } from '#study/settings.ts';

import type { Given } from './options.ts';
import type { Terminal } from './terminal.ts';

const KEY_SETTING = 'keyVariable';
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
  // Workers get this process' environment.
  Object.assign(process.env, allowedKeys(process.env, namedKeys(given)));
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

/** Where replies go; undefined where that is this machine, or nothing will be sent. */
function endpointLine(url: string, keyVariable: string, isJson: boolean): string | undefined {
  const isHere = URL.canParse(url) && THIS_MACHINE.test(new URL(url).hostname);
  if (isHere || keyToSend(keyVariable, process.env).kind === 'refused') return undefined;
  if (isJson) return canonicalJson({ kind: 'endpoint', url, keyVariable });
  const withKey = keyVariable === '' ? 'without a key' : `with the key in ${keyVariable}`;
  return `Replies of this study are sent to ${url}, ${withKey}.`;
}

/** The variables that the user has named: by `--allow-key`, or in a setting of the command line. */
function namedKeys(given: Given): readonly string[] {
  const names = given.texts('allow-key');
  const bad = names.find((name) => !/^[A-Za-z_]\w*$/.test(name));
  if (bad !== undefined) {
    throw new AssayError('usage', `--allow-key expects the name of an environment variable, found "${bad}".`);
  }
  const settings = given.texts('set').map(parseSetting);
  return [...names, ...settings.flatMap(({ path, value }) => keysIn({ [path.split('.').at(-1) ?? '']: value }))];
}

function keysIn(value: Json): readonly string[] {
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([key, part]) =>
    key === KEY_SETTING && typeof part === 'string' ? [part] : keysIn(part),
  );
}
