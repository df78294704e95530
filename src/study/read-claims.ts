/** Claims and maps of an exported plan, or of a map written by hand, read field by field. */
import type { ConfigReader } from '#base/config-reader.ts';
import { isJsonObject } from '#base/json.ts';
import type { Against, Asks, Claim, Place, StudyMap } from '#study/claim.ts';

/** Reads a claim. @throws AssayError naming the field. */
export function readClaim(reader: ConfigReader): Claim {
  const claim = {
    name: textIn(reader, 'name'),
    arm: textIn(reader, 'arm'),
    against: readAgainst(reader.object('against')),
    at: readPlace(reader.object('at')),
    ...(reader.has('outcomes') && { outcomes: textsIn(reader, 'outcomes') }),
    asks: reader.has('asks') ? readAsks(reader.object('asks')) : ({ kind: 'question' } as const),
  };
  reader.done();
  return claim;
}

/** Reads a map over two factors. @throws AssayError naming the field. */
export function readMap(reader: ConfigReader): StudyMap {
  const at = readPlace(reader.object('at'));
  if (at.kind === 'trend') return reader.refuse('at.kind', 'crossed, given or end', 'trend');
  const map = {
    name: textIn(reader, 'name'),
    label: textIn(reader, 'label'),
    x: textIn(reader, 'x'),
    y: textIn(reader, 'y'),
    outcome: textIn(reader, 'outcome'),
    at,
    ...(reader.has('difference') && { difference: readDifference(reader.object('difference')) }),
    ...(reader.has('only') && { only: readOnly(reader.object('only')) }),
    ...(reader.has('theory') && { theory: textIn(reader, 'theory') }),
  };
  reader.done();
  return map;
}

function readDifference(reader: ConfigReader): NonNullable<StudyMap['difference']> {
  const difference = { factor: textIn(reader, 'factor'), from: reader.json('from'), to: reader.json('to') };
  reader.done();
  return difference;
}

function readOnly(reader: ConfigReader): NonNullable<StudyMap['only']> {
  const only = { factor: textIn(reader, 'factor'), value: reader.json('value') };
  reader.done();
  return only;
}

function readPlace(reader: ConfigReader): Place {
  const kind = reader.oneOf('kind', ['crossed', 'given', 'end', 'trend']);
  const place = placeOf(kind, reader);
  reader.done();
  return place;
}

function placeOf(kind: Place['kind'], reader: ConfigReader): Place {
  switch (kind) {
    case 'end':
      return { kind };
    case 'given':
      return { kind, axis: textIn(reader, 'axis'), label: textIn(reader, 'label'), levels: reader.numbers('levels') };
    case 'crossed':
      return { kind, axis: textIn(reader, 'axis'), ...levelsIn(reader) };
    case 'trend': {
      const scale = reader.has('scale') ? { scale: reader.oneOf('scale', ['linear', 'log']) } : {};
      return { kind, axis: textIn(reader, 'axis'), ...levelsIn(reader), ...scale };
    }
    default:
      return kind satisfies never;
  }
}

function levelsIn(reader: ConfigReader): { levels?: readonly number[] } {
  return reader.has('levels') ? { levels: reader.numbers('levels') } : {};
}

function readAgainst(reader: ConfigReader): Against {
  const kind = reader.oneOf('kind', ['arm', 'value', 'outcome', 'arms']);
  const against = againstOf(kind, reader);
  reader.done();
  return against;
}

function againstOf(kind: Against['kind'], reader: ConfigReader): Against {
  switch (kind) {
    case 'arm':
      return { kind, arm: textIn(reader, 'arm') };
    case 'value':
      return { kind, value: reader.number('value'), label: textIn(reader, 'label') };
    case 'outcome':
      return { kind, outcome: textIn(reader, 'outcome') };
    case 'arms':
      return { kind, weights: weightsIn(reader), label: textIn(reader, 'label') };
    default:
      return kind satisfies never;
  }
}

function weightsIn(reader: ConfigReader): Readonly<Record<string, number>> {
  const value = reader.json('weights');
  const entries = isJsonObject(value) ? Object.entries(value) : [];
  const weights = entries.flatMap(([arm, weight]): [string, number][] =>
    typeof weight === 'number' ? [[arm, weight]] : [],
  );
  if (weights.length > 0 && weights.length === entries.length) return Object.fromEntries(weights);
  return reader.refuse('weights', 'an object of numbers by arm', JSON.stringify(value));
}

function readAsks(reader: ConfigReader): Asks {
  const kind = reader.oneOf('kind', ['question', 'control']);
  const asks: Asks =
    kind === 'question'
      ? { kind }
      : {
          kind,
          expect: reader.oneOf('expect', ['differs', 'agrees', 'identical']),
          ...(reader.has('direction') && { direction: reader.oneOf('direction', ['above', 'below']) }),
        };
  reader.done();
  return asks;
}

function textIn(reader: ConfigReader, name: string): string {
  const value = reader.json(name);
  return typeof value === 'string' && value !== '' ? value : reader.refuse(name, 'a text', JSON.stringify(value));
}

function textsIn(reader: ConfigReader, name: string): readonly string[] {
  const value = reader.json(name);
  const isTexts = Array.isArray(value) && value.every((one): one is string => typeof one === 'string' && one !== '');
  return isTexts ? value : reader.refuse(name, 'a list of texts', JSON.stringify(value));
}
