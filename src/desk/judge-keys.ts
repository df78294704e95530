/**
 * Which environment variables may leave this machine as the key of an endpoint, and how a key is kept out of messages.
 * Invariant: a study file cannot choose a secret to send. What is sent is named here, or by the user at the command line.
 */

type Environment = Readonly<Record<string, string | undefined>>;

/** Variables that services of language models document for their keys; and any `ASSAY_..._KEY`. */
const KNOWN_VARIABLES: readonly string[] = [
  'OPENAI_API_KEY',
  'ANTHROPIC_API_KEY',
  'AZURE_OPENAI_API_KEY',
  'CEREBRAS_API_KEY',
  'DEEPSEEK_API_KEY',
  'FIREWORKS_API_KEY',
  'GEMINI_API_KEY',
  'GROQ_API_KEY',
  'MISTRAL_API_KEY',
  'OPENROUTER_API_KEY',
  'TOGETHER_API_KEY',
  'XAI_API_KEY',
];
const OWN_VARIABLE = /^ASSAY_([A-Z0-9_]+_)?KEY$/;
/** The variable by which the command line tells its workers what the user has allowed: names with commas between. */
const ALLOWED = 'ASSAY_ALLOWED_KEYS';
/** A key is at least so long, in characters; of a longer one no part of this length is shown. */
const SHORTEST = 8;

/** What is to be done for the processes of this environment to send the keys in these variables too. */
export function allowedKeys(environment: Environment, names: readonly string[]): Readonly<Record<string, string>> {
  const all = new Set([...namesIn(environment), ...names]);
  return all.size === 0 ? {} : { [ALLOWED]: [...all].join(',') };
}

/** The key to send, '' for none, or why there is none to send. */
export function keyToSend(
  variable: string,
  environment: Environment,
): { readonly kind: 'key'; readonly key: string } | { readonly kind: 'refused'; readonly reason: string } {
  if (variable === '') return { kind: 'key', key: '' };
  const refused = (reason: string): { kind: 'refused'; reason: string } => ({ kind: 'refused', reason });
  if (!KNOWN_VARIABLES.includes(variable) && !OWN_VARIABLE.test(variable) && !namesIn(environment).includes(variable)) {
    return refused(
      `that the study asks to send the environment variable ${variable}, which is none of ASSAY_..._KEY and ` +
        `${KNOWN_VARIABLES.join(', ')}. Name it yourself if it is the key of this endpoint: --allow-key ${variable}`,
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

function namesIn(environment: Environment): string[] {
  return (environment[ALLOWED] ?? '').split(',').filter((name) => name !== '');
}
