/**
 * Which environment variables may leave this machine as the key of an endpoint, and to which, and how a key is kept out of messages.
 * Invariant: a study file can choose neither a secret to send nor who gets it. A key goes to its provider's own address, or to
 * an endpoint that the user named at the command line or in the environment.
 */

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Variables that services of language models document for their keys, with the addresses that belong to the service alone:
 * none where anybody can have one there.
 */
const PROVIDERS: Readonly<Record<string, readonly string[]>> = {
  OPENAI_API_KEY: ['https://api.openai.com', 'https://eu.api.openai.com', 'https://us.api.openai.com'],
  ANTHROPIC_API_KEY: ['https://api.anthropic.com'],
  AZURE_OPENAI_API_KEY: [],
  CEREBRAS_API_KEY: ['https://api.cerebras.ai'],
  DEEPSEEK_API_KEY: ['https://api.deepseek.com'],
  FIREWORKS_API_KEY: ['https://api.fireworks.ai'],
  GEMINI_API_KEY: ['https://generativelanguage.googleapis.com'],
  GROQ_API_KEY: ['https://api.groq.com'],
  MISTRAL_API_KEY: ['https://api.mistral.ai'],
  OPENROUTER_API_KEY: ['https://openrouter.ai'],
  TOGETHER_API_KEY: ['https://api.together.xyz', 'https://api.together.ai'],
  XAI_API_KEY: ['https://api.x.ai'],
};
const OWN_VARIABLE = /^ASSAY_([A-Z0-9_]+_)?KEY$/;
/** The variables by which the command line tells its workers what the user has allowed: with commas between. */
const ALLOWED_KEYS = 'ASSAY_ALLOWED_KEYS';
/** Also for the user: endpoints that are theirs, whatever study is run. */
const ALLOWED_ENDPOINTS = 'ASSAY_ALLOWED_ENDPOINTS';
/** A key is at least so long, in characters; of a longer one no part of this length is shown. */
const SHORTEST = 8;

/** What the user has named: variables that hold keys, and addresses of endpoints that may have them. */
export interface Leave {
  readonly keys: readonly string[];
  readonly endpoints: readonly string[];
}

/** What is to be set for the processes of this environment to have the user's leave too. */
export function withLeave(environment: Environment, { keys, endpoints }: Leave): Readonly<Record<string, string>> {
  const added = (name: string, more: readonly string[]): Record<string, string> => {
    const all = new Set([...listIn(environment, name), ...more]);
    return all.size === 0 ? {} : { [name]: [...all].join(',') };
  };
  return { ...added(ALLOWED_KEYS, keys), ...added(ALLOWED_ENDPOINTS, endpoints.flatMap(originsOf)) };
}

/** The key to send to an endpoint, '' for none, or why there is none to send. */
export function keyToSend(
  variable: string,
  url: string,
  environment: Environment,
): { readonly kind: 'key'; readonly key: string } | { readonly kind: 'refused'; readonly reason: string } {
  if (variable === '') return { kind: 'key', key: '' };
  const refused = (reason: string): { kind: 'refused'; reason: string } => ({ kind: 'refused', reason });
  if (!isKnown(variable) && !listIn(environment, ALLOWED_KEYS).includes(variable)) {
    return refused(
      `that the study asks to send the environment variable ${variable} to ${url}, which is none of ASSAY_..._KEY and ` +
        `${Object.keys(PROVIDERS).join(', ')}. Name it yourself if it is the key of this endpoint: --allow-key ${variable}`,
    );
  }
  if (!isTrusted(url, variable, environment)) {
    const own = ownAddresses(variable);
    const whose = own.length === 0 ? 'which you have not named' : `which is not ${own.join(' or ')}`;
    return refused(
      `that the study asks to send the key in ${variable} to ${url}, ${whose}. ` +
        `Name the endpoint yourself if it may have your key: --allow-endpoint ${originsOf(url)[0] ?? url}. ` +
        'For an endpoint without a key set replies.judge.keyVariable to an empty text',
    );
  }
  const key = (environment[variable] ?? '').trim();
  if (key === '') return refused(`the environment variable ${variable}, which holds the key, is not set`);
  if (key.length >= SHORTEST) return { kind: 'key', key };
  return refused(
    `that the environment variable ${variable} holds fewer than ${SHORTEST} characters, which is no key. ` +
      'For an endpoint without one set replies.judge.keyVariable to an empty text',
  );
}

/** A text in which the key does not stand, in the forms a server may repeat it in. */
export function withoutKey(text: string, key: string): string {
  return formsOf(key).reduce((clean, form) => clean.replaceAll(form, '[key]'), text);
}

/** A message in which neither the key stands nor any part of it of at least 8 characters. */
export function withoutKeyParts(text: string, key: string): string {
  const parts = new Set(formsOf(key).flatMap(partsOf));
  if (parts.size === 0) return text;
  let clean = '';
  for (let at = 0; at < text.length;) {
    let end = at;
    for (let start = at; start <= end && parts.has(text.slice(start, start + SHORTEST)); start++)
      end = start + SHORTEST;
    clean += end === at ? text.charAt(at) : '[key]';
    at = Math.max(end, at + 1);
  }
  return clean;
}

function formsOf(key: string): string[] {
  return key === '' ? [] : [...new Set([key, encodeURIComponent(key), JSON.stringify(key).slice(1, -1)])];
}

/** All parts of the shortest length that is kept out. */
function partsOf(form: string): string[] {
  return Array.from({ length: Math.max(0, form.length - SHORTEST + 1) }, (_, i) => form.slice(i, i + SHORTEST));
}

function isKnown(variable: string): boolean {
  return Object.hasOwn(PROVIDERS, variable) || OWN_VARIABLE.test(variable);
}

/** Whether an address is the provider's of a key, or one that the user has named. */
function isTrusted(url: string, variable: string, environment: Environment): boolean {
  const trusted = new Set([...ownAddresses(variable), ...listIn(environment, ALLOWED_ENDPOINTS).flatMap(originsOf)]);
  return originsOf(url).some((origin) => trusted.has(origin));
}

function ownAddresses(variable: string): readonly string[] {
  return Object.hasOwn(PROVIDERS, variable) ? (PROVIDERS[variable] ?? []) : [];
}

/** Protocol, host and port of an address; nothing of a text that is none. */
function originsOf(url: string): string[] {
  if (!URL.canParse(url)) return [];
  const { origin, protocol } = new URL(url);
  return protocol === 'http:' || protocol === 'https:' ? [origin] : [];
}

function listIn(environment: Environment, name: string): string[] {
  return (environment[name] ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
