/** The command line's options: one table, parsed strictly. */
import { parseArgs, type ParseArgsOptionDescriptor } from 'node:util';

import { AssayError, messageOf, nearestName } from '#base/errors.ts';
import { LOOKS_TEXT } from '#study/looks.ts';

/** An option with its line in `--help`. */
interface OptionRow extends ParseArgsOptionDescriptor {
  readonly argument?: string;
  readonly help: string;
  /** The largest count that is taken for one: each block and each worker costs memory before anything else is checked. */
  readonly most?: number;
}

const MOST_BLOCKS = 100_000;

export const OPTIONS = {
  kind: {
    type: 'string',
    argument: 'KIND',
    help: 'world (default: a world and training of its own, in TypeScript) or finetune (your model and data, as JSON)',
  },
  model: { type: 'string', argument: 'PATH', help: 'with --kind finetune: a model folder, GGUF file or hf://org/name' },
  profile: {
    type: 'string',
    argument: 'NAME',
    multiple: true,
    help: 'quick (default), standard or full; of score: assistant, agent or engine, may be repeated (default: all)',
  },
  seeds: { type: 'string', argument: 'N', most: MOST_BLOCKS, help: "confirmatory blocks, instead of the profile's" },
  'until-decided': {
    type: 'boolean',
    help: `look at ${LOOKS_TEXT} blocks, one after another, until every verdict is decided`,
  },
  'max-seeds': {
    type: 'string',
    argument: 'N',
    most: MOST_BLOCKS,
    help: 'with --until-decided: stop at so many blocks',
  },
  set: {
    type: 'string',
    argument: 'PATH=VALUE',
    multiple: true,
    help: 'set a config path to a JSON value or a bare word; may be repeated',
  },
  'allow-key': {
    type: 'string',
    argument: 'NAME',
    multiple: true,
    help: 'let the study send this environment variable as the key of its judge (ASSAY_..._KEY and the usual names need no leave)',
  },
  'allow-endpoint': {
    type: 'string',
    argument: 'URL',
    multiple: true,
    help: "let the study send the judge's key to this address (that of the key's own provider, or set here, needs no leave)",
  },
  pilot: { type: 'boolean', help: 'measure the time of a run: a few seconds of one run of every arm, kept nowhere' },
  workers: { type: 'string', argument: 'N', most: 1024, help: 'worker processes (default: one per core)' },
  store: { type: 'string', argument: 'FOLDER', help: 'where runs are kept (default: .assay)' },
  out: { type: 'string', argument: 'FOLDER', help: 'where to write' },
  force: { type: 'boolean', help: 'overwrite files there that were not written by assay, or were changed since' },
  'checkpoint-seconds': {
    type: 'string',
    argument: 'S',
    help: 'least time between checkpoints of a run (default: 2); no effect on results',
  },
  map: { type: 'string', argument: 'FILE', help: 'JSON that says what the columns mean and what is asked' },
  arm: { type: 'string', argument: 'COLUMN', help: 'the column of arms (default: arm)' },
  block: { type: 'string', argument: 'COLUMN', help: 'the column of seeds shared by arms (default: block)' },
  step: { type: 'string', argument: 'COLUMN', help: 'the column of optimizer steps (default: step)' },
  rate: { type: 'string', argument: 'COLUMN', help: 'the column of learning rates, if arms have several' },
  cluster: { type: 'string', argument: 'COLUMN', help: 'a column of what blocks share, such as a domain' },
  status: { type: 'string', argument: 'COLUMN', help: 'a column that reads "diverged" for runs that broke' },
  train: { type: 'string', argument: 'COLUMN', help: 'match on training loss (axis train)' },
  'held-out': { type: 'string', argument: 'COLUMN', help: 'match on held-out loss (axis heldOut)' },
  axis: {
    type: 'string',
    argument: 'COLUMN[:rises]',
    multiple: true,
    help: 'match on another quantity, which falls in training unless it is said to rise (reward:rises)',
  },
  run: { type: 'string', argument: 'COLUMN', help: 'the column that names the run of a row, with --run-names' },
  'run-names': {
    type: 'string',
    argument: 'PATTERN',
    help: "how runs are named, such as '{arm}-seed{block}' or '{arm}-lr{rate}-{block}'",
  },
  levels: {
    type: 'string',
    argument: 'AXIS=LIST',
    multiple: true,
    help: "levels fixed beforehand, as train=1.2,1,0.8 (default: laid over the axis' range, and said so)",
  },
  'max-gap': {
    type: 'string',
    argument: 'AXIS=N',
    multiple: true,
    help: 'widest step between two probes around a level (default: 1.5 times the distance of levels)',
  },
  jumps: {
    type: 'string',
    multiple: true,
    argument: 'COLUMN=SIZE',
    help: 'how far an outcome may jump in seeds that were not run, or COLUMN=none (default: 1 for probabilities)',
  },
  outcome: {
    type: 'string',
    argument: 'COLUMN=DELTA',
    multiple: true,
    help: 'a behaviour and the smallest effect of interest',
  },
  value: {
    type: 'string',
    argument: 'COLUMN=N:NAME',
    multiple: true,
    help: 'of final results: compare every arm with a number known beforehand, as accuracy=0.5:chance',
  },
  reference: { type: 'string', argument: 'ARM', help: "the arm others are compared with (default: the table's first)" },
  control: { type: 'string', argument: 'ARM', multiple: true, help: 'an arm known to differ: a positive control' },
  contrast: {
    type: 'string',
    argument: 'ARM=REFERENCE',
    multiple: true,
    help: 'compare these two, instead of every arm with the reference',
  },
  where: { type: 'string', argument: 'COLUMN=TEXT', multiple: true, help: 'only rows whose column holds the text' },
  good: { type: 'string', argument: 'FILE', help: 'JSON that declares the good: what counts, how much, and for whom' },
  explicit: {
    type: 'string',
    argument: 'FILE',
    help: 'JSON that says between what the agent decided and who is asked again: whether its thoughts decide',
  },
  'dry-run': { type: 'boolean', help: 'read everything, say what would be asked and about what it costs, and stop' },
  'mix-numerics': { type: 'boolean', help: 'allow runs of one block from machines whose bits may differ' },
  count: {
    type: 'string',
    argument: 'N',
    most: 20_000,
    help: 'scenes to draw (default: 100); each comes with its swap',
  },
  seed: { type: 'string', argument: 'N', help: 'what the scenes are drawn from (default: 0)' },
  part: {
    type: 'string',
    argument: 'NAME',
    help: 'any (default), seen (no held-out pair of colour and shape) or held (no other), with --set held.kind=blocks',
  },
  json: { type: 'boolean', help: 'print the answer as one line of JSON, the last on stdout; events as JSON on stderr' },
  help: { type: 'boolean', short: 'h', help: 'show this' },
} as const satisfies Record<string, OptionRow>;

export type OptionName = keyof typeof OPTIONS;

/** What was given, checked. */
export interface Given {
  readonly positionals: readonly string[];
  text(name: OptionName): string | undefined;
  texts(name: OptionName): readonly string[];
  flag(name: OptionName): boolean;
  /** @throws AssayError if the value is not a whole number of at least 1, or more than the option takes. */
  count(name: OptionName): number | undefined;
}

/**
 * Parses a command's arguments.
 * @throws AssayError on an unknown option (naming the nearest), a missing value, or too many or too few words.
 */
export function parseOptions(args: readonly string[], allowed: readonly OptionName[], words: readonly string[]): Given {
  const names: readonly OptionName[] = [...allowed, 'help'];
  const options: Record<string, ParseArgsOptionDescriptor> = Object.fromEntries(
    names.map((name) => {
      const row: OptionRow = OPTIONS[name];
      return [
        name,
        { type: row.type, ...(row.short && { short: row.short }), ...(row.multiple && { multiple: true }) },
      ];
    }),
  );
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new AssayError('usage', refusal(error, args, names), { cause: error });
  }
  const { values, positionals } = parsed;
  // A last word with dots after it may be given several times.
  const isEnough =
    words.at(-1)?.endsWith('...') === true ? positionals.length >= words.length : positionals.length === words.length;
  if (values['help'] !== true && !isEnough) {
    const expected = words.length === 0 ? 'no further words' : words.map((word) => `<${word}>`).join(' ');
    throw new AssayError('usage', `Expected ${expected}, found ${positionals.join(' ') || 'nothing'}.`);
  }
  refuseEmpty(positionals, values, words);
  const texts = (name: OptionName): string[] => [values[name] ?? []].flat().map(String);
  const text = (name: OptionName): string | undefined => texts(name).at(-1);
  return {
    positionals,
    text,
    texts,
    flag: (name) => values[name] === true,
    count: (name) => countOf(name, text(name)),
  };
}

/** An empty word is a shell variable that is not set: it would name the folder the command runs in. */
function refuseEmpty(
  positionals: readonly string[],
  values: Readonly<Record<string, unknown>>,
  words: readonly string[],
): void {
  const at = positionals.findIndex((one) => one.trim() === '');
  const option = Object.keys(values).find((name) =>
    [values[name]].flat().some((one) => typeof one === 'string' && one.trim() === ''),
  );
  if (at < 0 && option === undefined) return;
  const what = at >= 0 ? `<${words[Math.min(at, words.length - 1)] ?? 'word'}>` : `a value for --${option}`;
  throw new AssayError('usage', `Expected ${what}, found an empty word. Is a variable of the shell not set?`);
}

/** The help lines of some options. */
export function optionLines(names: readonly OptionName[]): string[] {
  const rows = [...names, 'help' as const].map((name) => {
    const row: OptionRow = OPTIONS[name];
    return [`  --${name}${row.argument === undefined ? '' : ` ${row.argument}`}`, row.help] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, help]) => `${left.padEnd(width)}  ${help}`);
}

function refusal(error: unknown, args: readonly string[], names: readonly OptionName[]): string {
  const isUnknown = error instanceof Error && 'code' in error && error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION';
  if (!isUnknown) return messageOf(error);
  const known = names.map((name) => `--${name}`);
  const given = args
    .map((arg) => arg.split('=')[0] ?? arg)
    .find((arg) => arg.startsWith('-') && !known.includes(arg) && arg !== '-h');
  return `Unknown option ${given ?? ''}; the nearest known one is ${nearestName(given ?? '', known) ?? 'none'}.`;
}

function countOf(name: OptionName, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const { most = Infinity }: OptionRow = OPTIONS[name];
  if (/^[1-9]\d{0,8}$/.test(text) && Number(text) <= most) return Number(text);
  const range = most === Infinity ? 'of at least 1' : `from 1 to ${most}`;
  throw new AssayError('usage', `--${name} expects a whole number ${range}, found "${text}".`);
}
