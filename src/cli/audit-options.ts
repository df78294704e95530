/** The flags of `assay audit`, laid over the map of a file. */
import { AssayError } from '#base/errors.ts';

import type { AskedAxis, AskedOutcome, AskedValue, AuditMap } from '#desk/audit/audit-map.ts';
import type { Given, OptionName } from './options.ts';

export const AUDIT_OPTIONS: readonly OptionName[] = [
  'map',
  'arm',
  'block',
  'step',
  'rate',
  'status',
  'cluster',
  'run',
  'run-names',
  'train',
  'held-out',
  'axis',
  'levels',
  'max-gap',
  'outcome',
  'value',
  'jumps',
  'reference',
  'control',
  'contrast',
  'where',
  'out',
  'force',
  'json',
];

/** Flags that name a column, and what the column means. */
const KEY_COLUMNS = [
  ['arm', 'arm'],
  ['block', 'block'],
  ['step', 'step'],
  ['rate', 'learningRate'],
  ['status', 'status'],
  ['cluster', 'cluster'],
  ['run', 'run'],
] as const;
/** Ends an axis' column to say which way training moves it. */
const DIRECTION = /:(falls|rises)$/;

/**
 * The map with what the flags say over it: `--train COLUMN`, `--outcome COLUMN=DELTA`, `--levels AXIS=1,0.8` and so on.
 * @throws AssayError where a flag is not of its form, or names no axis.
 */
export function withFlags(map: AuditMap, given: Given): AuditMap {
  const columns = Object.fromEntries(
    KEY_COLUMNS.flatMap(([flag, key]) => {
      const column = given.text(flag);
      return column === undefined ? [] : [[key, column]];
    }),
  );
  const axes = axesGiven(given);
  const outcomes = given.texts('outcome').map((text): AskedOutcome => {
    const [name, value] = halvesOf(text, 'outcome', 'COLUMN=DELTA');
    return { name, delta: numberOf(value, 'outcome') };
  });
  const values = given.texts('value').map(valueOf);
  const [reference, runNames] = [given.text('reference'), given.text('run-names')];
  const contrasts = given.texts('contrast').map((text) => {
    const [arm, other] = halvesOf(text, 'contrast', 'ARM=REFERENCE');
    return { kind: 'question', arm, reference: other } as const;
  });
  const where = given.texts('where').map((text) => halvesOf(text, 'where', 'COLUMN=TEXT'));
  return {
    ...map,
    columns: { ...map.columns, ...columns, ...axes.columns },
    where: { ...map.where, ...Object.fromEntries(where) },
    matchOn: withLevels(mergedByName(map.matchOn, axes.asked), given),
    outcomes: withJumps(mergedByName(map.outcomes, outcomes), given),
    ...(reference !== undefined && { reference }),
    ...(runNames !== undefined && { runNames }),
    controls: [...map.controls, ...given.texts('control')],
    ...(contrasts.length > 0 && { contrasts }),
    ...(values.length > 0 && { values: [...(map.values ?? []), ...values] }),
  };
}

function axesGiven(given: Given): { asked: AskedAxis[]; columns: Record<string, string> } {
  const [train, heldOut] = [given.text('train'), given.text('held-out')];
  const asked: AskedAxis[] = [];
  if (train !== undefined) asked.push({ name: 'train', label: 'Training loss', role: 'train' });
  if (heldOut !== undefined) asked.push({ name: 'heldOut', label: 'Held-out loss', role: 'heldOut' });
  for (const text of given.texts('axis')) {
    const isRising = DIRECTION.exec(text)?.[1] === 'rises';
    const name = text.replace(DIRECTION, '');
    asked.push({ name, role: 'other', ...(DIRECTION.test(text) && { direction: isRising ? 'rises' : 'falls' }) });
  }
  return {
    asked,
    columns: { ...(train !== undefined && { train }), ...(heldOut !== undefined && { heldOut }) },
  };
}

/** Outcomes with what `--jumps COLUMN=none` or `--jumps COLUMN=SIZE` says of them. */
function withJumps(outcomes: readonly AskedOutcome[], given: Given): AskedOutcome[] {
  const said = new Map(given.texts('jumps').map((text) => halvesOf(text, 'jumps', 'COLUMN=none')));
  for (const name of said.keys()) {
    if (outcomes.some((outcome) => outcome.name === name)) continue;
    const known = outcomes.map((outcome) => outcome.name).join(', ');
    throw new AssayError('usage', `Expected one of the outcomes ${known || '(none given)'}, found "${name}".`);
  }
  return outcomes.map((outcome) => {
    const value = said.get(outcome.name);
    return value === undefined ? outcome : { ...outcome, jumps: jumpsOf(value) };
  });
}

/** `accuracy=0.5`, or with a name `accuracy=0.5:chance`. */
function valueOf(text: string): AskedValue {
  const cut = text.lastIndexOf('=');
  const [, number = '', label] = /^([^:]*)(?::(.+))?$/.exec(text.slice(cut + 1)) ?? [];
  if (cut < 1 || number === '') throw new AssayError('usage', `--value expects COLUMN=NUMBER:NAME, found "${text}".`);
  const value = { outcome: text.slice(0, cut), value: numberOf(number, 'value') };
  return label === undefined ? value : { ...value, label };
}

function jumpsOf(value: string): NonNullable<AskedOutcome['jumps']> {
  if (value === 'none') return { kind: 'none', because: 'whoever asked for this audit says so' };
  const size = numberOf(value, 'jumps');
  if (size > 0) return { kind: 'upTo', size };
  throw new AssayError('usage', `--jumps expects "none" or a size above 0, found "${value}".`);
}

/** Items of `over` replace fields of those with their name, the others are added. */
function mergedByName<Item extends { readonly name: string }>(items: readonly Item[], over: readonly Item[]): Item[] {
  const merged = items.map((item) => ({ ...item, ...over.find(({ name }) => name === item.name) }));
  return [...merged, ...over.filter(({ name }) => !items.some((item) => item.name === name))];
}

function withLevels(axes: readonly AskedAxis[], given: Given): AskedAxis[] {
  const levels = new Map(given.texts('levels').map((text) => halvesOf(text, 'levels', 'AXIS=1.2,1,0.8')));
  const gaps = new Map(given.texts('max-gap').map((text) => halvesOf(text, 'max-gap', 'AXIS=0.2')));
  for (const name of [...levels.keys(), ...gaps.keys()]) {
    if (axes.some((axis) => axis.name === name)) continue;
    const known = axes.map((axis) => axis.name).join(', ');
    throw new AssayError('usage', `Expected one of the axes ${known || '(none given)'}, found "${name}".`);
  }
  return axes.map((axis) => {
    const [own, gap] = [levels.get(axis.name), gaps.get(axis.name)];
    return {
      ...axis,
      ...(own !== undefined && { levels: own.split(',').map((text) => numberOf(text, 'levels')) }),
      ...(gap !== undefined && { maxGap: numberOf(gap, 'max-gap') }),
    };
  });
}

/** Both sides of the last "=". */
function halvesOf(text: string, option: OptionName, form: string): [string, string] {
  const cut = text.lastIndexOf('=');
  if (cut > 0 && cut < text.length - 1) return [text.slice(0, cut), text.slice(cut + 1)];
  throw new AssayError('usage', `--${option} expects ${form}, found "${text}".`);
}

function numberOf(text: string, option: OptionName): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value)) return value;
  throw new AssayError('usage', `--${option} expects numbers, found "${text}".`);
}
