/** What a JSON study or an exported plan says of its blocks and of jumps, read field by field. */
import type { ConfigReader } from '#base/config-reader.ts';
import { isJsonObject, type JsonObject } from '#base/json.ts';
import type { Cluster, Jumps, Study } from '#study/study.ts';

/** Reads an outcome's `jumps`. @throws AssayError naming the field. */
export function readJumps(reader: ConfigReader): Jumps {
  const kind = reader.oneOf('kind', ['none', 'upTo']);
  const jumps: Jumps =
    kind === 'none'
      ? { kind, because: textIn(reader, 'because') }
      : { kind, size: reader.number('size', { min: Number.MIN_VALUE }) };
  reader.done();
  return jumps;
}

/** Reads a study's `blocks`. @throws AssayError naming the field. */
export function readBlocks(reader: ConfigReader): NonNullable<Study['blocks']> {
  const cluster = readCluster(reader.object('cluster'));
  reader.done();
  return { cluster };
}

function readCluster(reader: ConfigReader): Cluster {
  const kind = reader.oneOf('kind', ['modulo', 'list']);
  const label = textIn(reader, 'label');
  const when = reader.has('when') ? { when: objectIn(reader, 'when') } : {};
  const cluster: Cluster =
    kind === 'modulo'
      ? { kind, label, ...when, count: reader.number('count', { min: 1, integer: true }) }
      : { kind, label, ...when, names: namesIn(reader) };
  reader.done();
  return cluster;
}

function textIn(reader: ConfigReader, name: string): string {
  const value = reader.json(name);
  return typeof value === 'string' && value.trim() !== ''
    ? value
    : reader.refuse(name, 'a text', JSON.stringify(value));
}

function objectIn(reader: ConfigReader, name: string): JsonObject {
  const value = reader.json(name);
  return isJsonObject(value) ? value : reader.refuse(name, 'an object', JSON.stringify(value));
}

function namesIn(reader: ConfigReader): readonly string[] {
  const value = reader.json('names');
  const isNames = Array.isArray(value) && value.every((one): one is string => typeof one === 'string' && one !== '');
  return isNames ? value : reader.refuse('names', 'a list of texts, one a block', JSON.stringify(value));
}
