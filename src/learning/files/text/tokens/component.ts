/**
 * Reading the components of a `tokenizer.json`: every option is read by somebody or the file is refused by name, so that
 * no option that changes ids is passed over. Defaults are those of the `tokenizers` library.
 */
import { AssayError } from '#base/errors.ts';
import type { Json, JsonObject } from '#base/json.ts';
import { isJsonObject } from '#base/json.ts';

/** One component and what was read of it. */
export class Component {
  /** Such as `tokenizer.json: pre_tokenizer`. */
  readonly where: string;
  readonly #json: JsonObject;
  readonly #read = new Set(['type']);

  constructor(json: Json | undefined, where: string) {
    this.where = where;
    this.#json = isJsonObject(json) ? json : this.refuse('an object', json);
  }

  get type(): string {
    return this.text('type', '');
  }

  /** The value of an option, which is now read. */
  json(name: string): Json | undefined {
    this.#read.add(name);
    return this.#json[name];
  }

  /** @param byDefault Where the option is absent or null; without it, the option must be there. */
  text(name: string, byDefault?: string): string {
    const value = this.json(name) ?? byDefault;
    return typeof value === 'string' ? value : this.refuse(`${name} to be text`, value);
  }

  flag(name: string, byDefault?: boolean): boolean {
    const value = this.json(name) ?? byDefault;
    return typeof value === 'boolean' ? value : this.refuse(`${name} to be true or false`, value);
  }

  count(name: string, byDefault?: number): number {
    const value = this.json(name) ?? byDefault;
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
      ? value
      : this.refuse(`${name} to be a whole number`, value);
  }

  oneOf<const T extends string>(name: string, names: readonly T[], byDefault?: T): T {
    const value = this.text(name, byDefault);
    return names.find((one) => one === value) ?? this.refuse(`${name} among ${names.join(', ')}`, value);
  }

  list(name: string): readonly Json[] {
    const value = this.json(name);
    return isList(value) ? value : this.refuse(`${name} to be a list`, value);
  }

  /** Options that do not change ids or text. */
  unused(...names: readonly string[]): void {
    for (const name of names) this.#read.add(name);
  }

  /** Options that are not built here, with the values under which they do nothing. */
  off(name: string, ...nothing: readonly Json[]): void {
    const value = this.json(name);
    if (value === undefined || value === null || nothing.includes(value)) return;
    this.refuse(`${name} to be off, which is all that is supported`, value);
  }

  /** @throws AssayError on an option that nobody read. */
  done(): void {
    const unknown = Object.keys(this.#json).find((name) => !this.#read.has(name));
    if (unknown !== undefined) this.refuse('options that are known', unknown);
  }

  refuse(expected: string, found: Json | undefined): never {
    const shown = JSON.stringify(found ?? null).slice(0, 80);
    throw new AssayError(
      'file',
      `${this.where}: the tokenizer is not understood: expected ${expected}, found ${shown}.`,
    );
  }
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** The components in a list of a component, such as the steps of a sequence. */
export function partsOf(component: Component, name: string): readonly Component[] {
  return component.list(name).map((part, i) => new Component(part, `${component.where}[${i}]`));
}
