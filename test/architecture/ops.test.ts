/** The engine's operations are documented: what is exported says its shapes and its gradient, itself or for its whole file. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Where the derivative jumps or ends, the choice must stand beside the operation itself. */
const WITH_KINKS =
  'relu step abs sign sqrt power detach toFloat where maximum minimum clamp reduceMax reduceMin l2Norm topK oneHot unitLength'.split(
    ' ',
  );

interface Operation {
  readonly path: string;
  readonly name: string;
  readonly doc: string;
  readonly header: string;
}

const operations: readonly Operation[] = globSync('src/engine/ops/*.ts', { cwd: ROOT }).flatMap((path) => {
  const text = readFileSync(`${ROOT}${path}`, 'utf8');
  const header = /^\/\*\*([\s\S]*?)\*\//.exec(text)?.[1] ?? '';
  return [...text.matchAll(/(\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)?^export (?:async )?function (\w+)/gm)].map((match) => ({
    path,
    name: match[2] ?? '',
    doc: match[1] ?? '',
    header,
  }));
});

test('the operations are seen', () => {
  assert.ok(operations.length > 60, `${operations.length} operations`);
  const names = operations.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length, 'no two of one name, since one door lists them all');
  assert.deepEqual(
    WITH_KINKS.filter((name) => !names.includes(name)),
    [],
  );
});

test('every exported operation has a doc comment', () => {
  assert.deepEqual(
    missing(({ doc }) => doc !== ''),
    [],
  );
});

test('every exported operation says its shapes, itself or for its file', () => {
  assert.deepEqual(
    missing(({ doc, header }) => /shape|axis|axes|\[[.\w, ]*\]/i.test(doc + header)),
    [],
  );
});

test('every exported operation says its gradient, itself or for its file; with kinks, itself', () => {
  assert.deepEqual(
    missing(({ doc, header }) => /gradient/i.test(doc + header)),
    [],
  );
  assert.deepEqual(
    missing(({ name, doc }) => !WITH_KINKS.includes(name) || /gradient/i.test(doc)),
    [],
  );
});

function missing(holds: (operation: Operation) => boolean): readonly string[] {
  return operations.filter((operation) => !holds(operation)).map(({ path, name }) => `${path}: ${name}`);
}
