/** How Python writes values: `str`, `repr` and `json.dumps`. */
import type { Value } from './values.ts';
import { numberOf, text, typeName } from './values.ts';

/** Python's `str`: what `{{ value }}` writes. */
export function str(value: Value): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && value?.kind === 'undefined') return '';
  if (typeof value === 'object' && value?.kind === 'markup') return value.text;
  return repr(value);
}

/** Python's `repr`. @throws Error on what prints an address in memory. */
export function repr(value: Value): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return reprText(value);
  switch (value.kind) {
    case 'float':
      return reprFloat(value.value);
    case 'list':
      return text(`[${value.items.map(repr).join(', ')}]`);
    case 'tuple':
      return text(`(${value.items.map(repr).join(', ')}${value.items.length === 1 ? ',' : ''})`);
    case 'dict':
      return text(
        `{${Array.from(value.entries.values(), ({ key, value: item }) => `${repr(key)}: ${repr(item)}`).join(', ')}}`,
      );
    case 'view':
      return value.printed ?? `${value.name}([${value.items.map(repr).join(', ')}])`;
    case 'undefined':
      return 'Undefined';
    case 'markup':
    case 'once':
    case 'function':
    case 'namespace':
    case 'loop':
      throw new Error(`printing a ${typeName(value)} is not supported`);
    default:
      return value satisfies never;
  }
}

/** Shortest digits that read back as the number, as Python places the point and the exponent. */
export function reprFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const [, sign = '', lead = '', rest = '', exponent = '0'] =
    /^(-?)(\d)\.?(\d*)e([+-]\d+)$/.exec(value.toExponential()) ?? [];
  const minus = Object.is(value, -0) ? '-' : sign;
  const power = Number(exponent);
  const digits = lead + rest;
  if (power < -4 || power >= 16) {
    const places = String(Math.abs(power)).padStart(2, '0');
    return `${minus}${lead}${rest === '' ? '' : `.${rest}`}e${power < 0 ? '-' : '+'}${places}`;
  }
  if (power < 0) return `${minus}0.${'0'.repeat(-power - 1)}${digits}`;
  return `${minus}${digits.slice(0, power + 1).padEnd(power + 1, '0')}.${digits.slice(power + 1) || '0'}`;
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };

function reprText(value: string): string {
  const quote = value.includes("'") && !value.includes('"') ? '"' : "'";
  const escaped = value.replaceAll(/[\\'"]|[\p{C}\p{Z}]/gu, (character) => {
    const short = SHORT_ESCAPES[character];
    if (short !== undefined) return short;
    if (character === quote) return `\\${character}`;
    if (character === ' ' || character === '"' || character === "'") return character;
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x100) return `\\x${hex(code, 2)}`;
    return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
  });
  return text(`${quote}${escaped}${quote}`);
}

function hex(code: number, width: number): string {
  return code.toString(16).padStart(width, '0');
}

/** The options of `json.dumps` that the filter `tojson` takes. */
export interface JsonStyle {
  readonly ensureAscii: boolean;
  /** One level's indentation; everything on one line when undefined. */
  readonly indent: string | undefined;
  readonly itemSeparator: string;
  readonly keySeparator: string;
  readonly sortKeys: boolean;
}

/** Python's `json.dumps`. @throws Error on what JSON does not have. */
export function dumps(value: Value, style: JsonStyle, before = ''): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return jsonText(value, style.ensureAscii);
  if (value.kind === 'float') return jsonFloat(value.value);
  if (value.kind === 'markup') return jsonText(value.text, style.ensureAscii);
  const inner = before + (style.indent ?? '');
  const wrapped = (open: string, parts: readonly string[], close: string): string => {
    if (parts.length === 0) return open + close;
    if (style.indent === undefined) return text(open + parts.join(style.itemSeparator) + close);
    return text(`${open}\n${inner}${parts.join(`${style.itemSeparator}\n${inner}`)}\n${before}${close}`);
  };
  if (value.kind === 'list' || value.kind === 'tuple') {
    return wrapped(
      '[',
      value.items.map((item) => dumps(item, style, inner)),
      ']',
    );
  }
  if (value.kind !== 'dict') throw new Error(`Object of type ${typeName(value)} is not JSON serializable`);
  const entries = [...value.entries.values()];
  const keys = new Map(entries.map(({ key }) => [key, jsonKey(key)]));
  if (style.sortKeys) {
    if (entries.some(({ key }) => typeof key !== 'string'))
      throw new Error('sorting keys that are no text is not supported');
    entries.sort((a, b) => ((keys.get(a.key) ?? '') < (keys.get(b.key) ?? '') ? -1 : 1));
  }
  const parts = entries.map(
    ({ key, value: item }) =>
      jsonText(keys.get(key) ?? '', style.ensureAscii) + style.keySeparator + dumps(item, style, inner),
  );
  return wrapped('{', parts, '}');
}

function jsonKey(key: Value): string {
  if (typeof key === 'string') return key;
  if (key === null) return 'null';
  if (typeof key === 'boolean') return String(key);
  if (numberOf(key) !== undefined) return repr(key);
  throw new Error(`keys must be str, int, float, bool or None, not ${typeName(key)}`);
}

function jsonFloat(value: number): string {
  if (Number.isFinite(value)) return reprFloat(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
}

function jsonText(value: string, ensureAscii: boolean): string {
  const json = JSON.stringify(value);
  // Code units above ASCII, each written as \uXXXX, as Python writes surrogate pairs.
  return ensureAscii ? json.replaceAll(/[\u0080-\uFFFF]/g, (unit) => `\\u${hex(unit.charCodeAt(0), 4)}`) : json;
}
