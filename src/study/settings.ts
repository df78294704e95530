/**
 * Settings over a config: dotted paths and JSON values, applied in a fixed order and checked against what stands there.
 * Invariant: a setting never adds a path the config does not know, except inside a replaced tagged union.
 */
import { AssayError, nearestName } from '#base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '#base/json.ts';
import { refuseStructure } from '#base/strict-json.ts';

/** One change to a config; `from` says whose it is, for messages (`--set`, `arm "muon"`). */
export interface Setting {
  readonly path: string;
  readonly value: Json;
  readonly from: string;
}

/** Every dotted path of a config, parents before their parts. */
export function pathsOf(config: JsonObject, prefix = ''): string[] {
  return Object.entries(config).flatMap(([key, value]) => {
    const path = prefix === '' ? key : `${prefix}.${key}`;
    return [path].concat(isJsonObject(value) ? pathsOf(value, path) : []);
  });
}

/** Whether one path is the other or a part of it. */
export function isSameBranch(a: string, b: string): boolean {
  return a === b || a.startsWith(`${b}.`) || b.startsWith(`${a}.`);
}

/** The value at a dotted path, or undefined where the config has none. */
export function valueAt(config: JsonObject, path: string): Json | undefined {
  let value: Json = config;
  for (const key of path.split('.')) {
    if (!isJsonObject(value) || !Object.hasOwn(value, key)) return undefined;
    const next: Json | undefined = value[key];
    if (next === undefined) return undefined;
    value = next;
  }
  return value;
}

/** The config with `value` written at `path`, parents made where absent, nothing checked. */
export function withValueAt(config: JsonObject, path: string, value: Json): JsonObject {
  const [key = '', ...rest] = path.split('.');
  if (rest.length === 0) return { ...config, [key]: value };
  const child = config[key];
  return { ...config, [key]: withValueAt(isJsonObject(child) ? child : {}, rest.join('.'), value) };
}

/** The settings of a `set` record, parents before their parts, so that the order of keys does not matter. */
export function settingsOf(set: JsonObject | undefined, from: string): Setting[] {
  const settings = Object.entries(set ?? {}).map(([path, value]) => ({ path, value, from }));
  return settings.toSorted((a, b) => a.path.split('.').length - b.path.split('.').length);
}

/** Former name of a path -> today's; parts of a path follow it. */
export type FormerPaths = Readonly<Record<string, string>>;

/**
 * Applies settings in order.
 * @param former Names that paths had once, and are still read by.
 * @throws AssayError on an unknown path (naming the nearest known one) or a value of another type (path, expected, found).
 */
export function withSettings(config: JsonObject, settings: readonly Setting[], former: FormerPaths = {}): JsonObject {
  return settings.reduce((all, setting) => withSetting(all, setting, former), config);
}

/** What a path of a config is called today, where `path` is a name it or what it is a part of had once. */
export function presentName(config: JsonObject, path: string, former: FormerPaths): string | undefined {
  const old = Object.keys(former).find((name) => path === name || path.startsWith(`${name}.`));
  if (old === undefined) return undefined;
  const present = `${former[old]}${path.slice(old.length)}`;
  // The path itself may be new to the config, as a part of an object that is empty by default is.
  const group = present.split('.').slice(0, -1).join('.');
  return group === '' || isJsonObject(valueAt(config, group)) ? present : undefined;
}

/** A setting under today's name of its path, for what was stored or is given under a former one. */
export function presentSetting(config: JsonObject, setting: Setting, former: FormerPaths = {}): Setting {
  const current = valueAt(config, setting.path);
  // A group may bear the name that one of its values had.
  const isFormer = current === undefined || (isJsonObject(current) && !isJsonObject(setting.value));
  const path = isFormer ? presentName(config, setting.path, former) : undefined;
  return path === undefined ? setting : { ...setting, path };
}

/**
 * The setting in an argument `path=value`: JSON, or a bare word standing for a string.
 * @throws AssayError where `=` is missing or the value is broken JSON.
 */
export function parseSetting(argument: string): Setting {
  const equals = argument.indexOf('=');
  if (equals < 1) throw new AssayError('usage', `--set expects path=value, found "${argument}".`);
  const path = argument.slice(0, equals);
  const text = argument.slice(equals + 1);
  return { path, value: parseValue(path, text), from: '--set' };
}

function parseValue(path: string, text: string): Json {
  const value = parsedValue(path, text);
  if (isInfinite(value)) {
    throw new AssayError(
      'usage',
      `--set ${path}: expected numbers up to ${Number.MAX_VALUE}, found ${text}, which is more.`,
    );
  }
  // A bare word may be a path full of digits.
  if (typeof value !== 'string') refuseInexact(path, text);
  return value;
}

function parsedValue(path: string, text: string): Json {
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch (error) {
    // A bare word is a string; what begins like JSON (number, quote, bracket) was meant as JSON.
    if (/^[^\s\d"'[{+-]/.test(text)) return text;
    throw new AssayError(
      'usage',
      `--set ${path}: expected a JSON value or a bare word, found ${text === '' ? 'nothing' : text}. A string that begins like JSON needs quotes: --set '${path}=${JSON.stringify(text)}'.`,
      { cause: error },
    );
  }
  refuseStructure(text, `--set ${path}`); // what is named twice
  return value;
}

/** JSON has no infinity, but 1e400 is read as one. */
function isInfinite(value: Json): boolean {
  if (typeof value === 'number') return !Number.isFinite(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(isInfinite);
}

/** A whole number that is rounded when it is read, such as a seed from 2^53 on, would stand for its neighbours too. */
function refuseInexact(path: string, text: string): void {
  const bare = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
  const found = bare.match(/(?<![\w.+-])-?\d+(?![\w.+-])/g)?.find((digits) => !Number.isSafeInteger(Number(digits)));
  if (found === undefined) return;
  throw new AssayError(
    'usage',
    `--set ${path}: expected a whole number that is exact (below 2^53 = ${2 ** 53}), found ${found}.`,
  );
}

function withSetting(config: JsonObject, given: Setting, former: FormerPaths): JsonObject {
  const setting = presentSetting(config, given, former);
  const current = valueAt(config, setting.path);
  if (current === undefined) throw unknownPath(config, setting);
  const expected = typeNameOf(current);
  const found = typeNameOf(setting.value);
  if (current === null) return withValueAt(config, setting.path, setting.value);
  if (isJsonObject(current) && isJsonObject(setting.value)) {
    return withObject(config, setting, current, setting.value, former);
  }
  if (expected !== found) {
    throw new AssayError(
      'config',
      `${setting.from}: ${setting.path}: expected ${expected} (such as ${JSON.stringify(current)}), found ${found} ${JSON.stringify(setting.value)}.`,
    );
  }
  return withValueAt(config, setting.path, setting.value);
}

/** An object over an object: a tagged union of another kind replaces it whole; otherwise its parts are set one by one. */
function withObject(
  config: JsonObject,
  setting: Setting,
  current: JsonObject,
  value: JsonObject,
  former: FormerPaths,
): JsonObject {
  const isUnion = typeof current['kind'] === 'string';
  if (isUnion && typeof value['kind'] !== 'string') {
    throw new AssayError(
      'config',
      `${setting.from}: ${setting.path}: expected an object with "kind" (such as ${JSON.stringify(current)}), found ${JSON.stringify(value)}.`,
    );
  }
  const isReplaced = (isUnion && current['kind'] !== value['kind']) || Object.keys(current).length === 0;
  if (isReplaced) return withValueAt(config, setting.path, value);
  return Object.entries(value).reduce((changed, [key, part]) => {
    const own = { path: `${setting.path}.${key}`, value: part, from: setting.from };
    const known = current[key];
    // Of a tagged union the defaults show one member: what its other members hold beside is for the recipe to read or refuse.
    const isOther =
      isUnion &&
      presentName(config, own.path, former) === undefined &&
      (known === undefined || typeNameOf(known) !== typeNameOf(part));
    return isOther ? withValueAt(changed, own.path, part) : withSetting(changed, own, former);
  }, config);
}

function unknownPath(config: JsonObject, setting: Setting): AssayError {
  const nearest = nearestName(setting.path, pathsOf(config));
  const hint = nearest === undefined ? '' : ` The nearest known path is "${nearest}".`;
  return new AssayError('config', `${setting.from}: unknown path "${setting.path}".${hint}`);
}

function typeNameOf(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
