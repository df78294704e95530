/**
 * A finetuning study as a JSON file: the keys of `FinetuneStudyOptions`, and nothing else.
 * Invariant: relative paths in the file lead from its folder, whatever folder the command runs in.
 */
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

import { type ConfigReader, configReader } from '#base/config-reader.ts';
import { AssayError, messageOf } from '#base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '#base/json.ts';
import { parseStrictObject } from '#base/strict-json.ts';
import type { Factor } from '#study/factors.ts';
import { readJumps } from '#study/read-blocks.ts';
import { readClaim, readMap } from '#study/read-claims.ts';
import type { Arm, Contrast, Outcome, Study } from '#study/study.ts';

import { chosenFactors, textAt, writtenLevel } from './factors.ts';
import { settingsFrom } from './files.ts';
import { finetuneStudy, type FinetuneStudyOptions } from './study.ts';

/**
 * The study in a JSON file.
 * @throws AssayError naming the file and the path in it, what was expected and what was found.
 */
export function finetuneStudyOfFile(path: string): Study {
  const object = parseStrictObject(bytesOf(path), path);
  try {
    return finetuneStudy(optionsOf(configReader(object), dirname(resolve(path))));
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    throw new AssayError(error.kind, `${path}: ${error.message}`, { cause: error });
  }
}

function bytesOf(path: string): Uint8Array {
  try {
    // A pipe can be read once only, and workers read the study again.
    if (!statSync(path).isFile()) throw new Error('expected a regular file, found something else there');
    return readFileSync(path);
  } catch (error) {
    throw new AssayError('file', `Could not read ${path}: ${messageOf(error)}`, { cause: error });
  }
}

function optionsOf(reader: ConfigReader, folder: string): FinetuneStudyOptions {
  const options: FinetuneStudyOptions = {
    name: textAt(reader, 'name'),
    question: textAt(reader, 'question'),
    scope: textAt(reader, 'scope'),
    ...when(reader, 'set', () => ({ set: setAt(reader, folder) })),
    ...when(reader, 'factors', () => ({ factors: factorsAt(reader, folder) })),
    ...when(reader, 'learningRates', () => ({ learningRates: reader.numbers('learningRates') })),
    ...when(reader, 'control', () => controlAt(reader, folder)),
    ...when(reader, 'arms', () => ({ arms: objectsAt(reader, 'arms').map((arm) => armOf(arm, folder)) })),
    ...when(reader, 'contrasts', () => ({ contrasts: objectsAt(reader, 'contrasts').map(contrastOf) })),
    ...when(reader, 'claims', () => ({ claims: objectsAt(reader, 'claims').map(readClaim) })),
    ...when(reader, 'maps', () => ({ maps: objectsAt(reader, 'maps').map(readMap) })),
    ...when(reader, 'outcomes', () => ({ outcomes: objectsAt(reader, 'outcomes').map(outcomeOf) })),
    ...when(reader, 'coherence', () => ({ coherence: coherenceOf(reader.object('coherence')) })),
    ...when(reader, 'levels', () => ({ levels: levelsOf(reader.object('levels')) })),
    ...when(reader, 'maxGap', () => ({ maxGap: reader.number('maxGap', { min: 0 }) })),
    ...when(reader, 'blocks', () => ({ blocks: blocksOf(reader.object('blocks')) })),
  };
  reader.done();
  return options;
}

function when<T extends object>(reader: ConfigReader, name: string, read: () => T): T | object {
  return reader.has(name) ? read() : {};
}

function controlAt(reader: ConfigReader, folder: string): { readonly control: string } {
  const path = textAt(reader, 'control');
  const { 'rows.mixIn': control = path } = settingsFrom(folder, { 'rows.mixIn': path });
  return { control: typeof control === 'string' ? control : path };
}

function setAt(reader: ConfigReader, folder: string): JsonObject {
  const set = reader.json('set');
  if (!isJsonObject(set)) return reader.refuse('set', 'an object of config paths and values', JSON.stringify(set));
  return settingsFrom(folder, set);
}

/** Levels by factor in the short form, or a list of factors written out. */
function factorsAt(reader: ConfigReader, folder: string): readonly Factor[] {
  const given = reader.json('factors');
  const factors = isJsonObject(given)
    ? chosenFactors([], given)
    : objectsAt(reader, 'factors').map((factor) => {
        const read = { name: textAt(factor, 'name'), levels: objectsAt(factor, 'levels').map(writtenLevel) };
        factor.done();
        return read;
      });
  return factors.map(({ name, levels }) => ({
    name,
    levels: levels.map((level) => ({ ...level, set: settingsFrom(folder, level.set) })),
  }));
}

function armOf(reader: ConfigReader, folder: string): Arm {
  const name = textAt(reader, 'name');
  const arm = {
    name,
    label: reader.has('label') ? textAt(reader, 'label') : name,
    set: setAt(reader, folder),
    learningRates: reader.numbers('learningRates'),
    ...when(reader, 'seedOffset', () => ({ seedOffset: reader.number('seedOffset', { integer: true }) })),
  };
  reader.done();
  return arm;
}

function contrastOf(reader: ConfigReader): Contrast {
  const kind = reader.oneOf('kind', ['question', 'control']);
  const pair = { arm: textAt(reader, 'arm'), reference: textAt(reader, 'reference') };
  const contrast: Contrast =
    kind === 'question'
      ? { kind, ...pair }
      : {
          kind,
          ...pair,
          name: textAt(reader, 'name'),
          expect: reader.oneOf('expect', ['detected', 'notDetected', 'identical']),
          ...when(reader, 'direction', () => ({ direction: reader.oneOf('direction', ['above', 'below']) })),
          ...when(reader, 'matchings', () => ({ matchings: textsAt(reader, 'matchings') })),
          ...when(reader, 'outcomes', () => ({ outcomes: textsAt(reader, 'outcomes') })),
        };
  reader.done();
  return contrast;
}

function outcomeOf(reader: ConfigReader): Outcome {
  const name = textAt(reader, 'name');
  const outcome: Outcome = {
    name,
    label: reader.has('label') ? textAt(reader, 'label') : name,
    unit: reader.has('unit') ? textAt(reader, 'unit') : 'probability',
    delta: reader.number('delta'),
    ...when(reader, 'higherIs', () => ({ higherIs: reader.oneOf('higherIs', ['better', 'worse']) })),
    role: reader.has('role') ? reader.oneOf('role', ['confirmatory', 'exploratory']) : 'confirmatory',
    ...when(reader, 'jumps', () => ({ jumps: readJumps(reader.object('jumps')) })),
  };
  reader.done();
  return outcome;
}

function coherenceOf(reader: ConfigReader): NonNullable<Study['coherence']> {
  const coherence = { outcome: textAt(reader, 'outcome'), floor: reader.number('floor') };
  reader.done();
  return coherence;
}

function levelsOf(reader: ConfigReader): NonNullable<FinetuneStudyOptions['levels']> {
  const levels = { train: reader.numbers('train'), heldOut: reader.numbers('heldOut') };
  reader.done();
  return levels;
}

function blocksOf(reader: ConfigReader): NonNullable<FinetuneStudyOptions['blocks']> {
  const count = (name: string): number => reader.number(name, { min: 1, integer: true });
  const blocks = { quick: count('quick'), standard: count('standard') };
  reader.done();
  return blocks;
}

/** A reader of every object in a list. */
function objectsAt(reader: ConfigReader, name: string): ConfigReader[] {
  const list = reader.json(name);
  if (!Array.isArray(list)) return reader.refuse(name, 'a list of objects', JSON.stringify(list));
  return list.map((item: Json, i) => {
    const path = `${name}[${i}]`;
    if (!isJsonObject(item)) return reader.refuse(path, 'an object', JSON.stringify(item));
    return configReader(item, reader.path === '' ? path : `${reader.path}.${path}`);
  });
}

function textsAt(reader: ConfigReader, name: string): readonly string[] {
  const list = reader.json(name);
  const isTexts = Array.isArray(list) && list.every((item): item is string => typeof item === 'string');
  return isTexts ? list : reader.refuse(name, 'a list of texts', JSON.stringify(list));
}
