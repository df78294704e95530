import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AssayError } from '#base/errors.ts';
import type { Json } from '#base/json.ts';

import { parseSetting, pathsOf, presentSetting, settingsOf, valueAt, withSettings } from './settings.ts';

const CONFIG = {
  steps: 100,
  optimizer: { kind: 'adamw', rate: 0.1, betas: [0.9, 0.99] },
  data: { file: 'a.jsonl', shuffle: true },
  tags: {},
};

function set(argument: string): unknown {
  return withSettings(CONFIG, [parseSetting(argument)]);
}

test('a value is JSON, and a bare word is a string', () => {
  assert.equal(parseSetting('a=1e-3').value, 0.001);
  assert.equal(parseSetting('a=true').value, true);
  assert.equal(parseSetting('a=cosine').value, 'cosine');
  assert.equal(parseSetting('a=./data/x y.jsonl').value, './data/x y.jsonl');
  assert.equal(parseSetting('a="1"').value, '1');
  assert.equal(parseSetting('a=b=c').value, 'b=c');
  assert.deepEqual(parseSetting('a={"kind":"x"}').value, { kind: 'x' });
});

test('broken JSON and a missing value are refused with the path and what was found', () => {
  for (const text of ['{"a":', '[1,', '"open', '3b-model', '']) {
    assert.throws(
      () => parseSetting(`a.b=${text}`),
      (error) => error instanceof AssayError && error.message.includes('a.b'),
    );
  }
  assert.throws(() => parseSetting('a.b={"c":1,"c":2}'), /--set a\.b: the key "c" appears twice in one object\./);
  assert.throws(() => parseSetting('steps'), /path=value, found "steps"/);
  assert.throws(() => parseSetting('=1'), /path=value/);
});

test('a whole number that is rounded when it is read is refused, wherever it stands in the value', () => {
  for (const text of [
    '9007199254740992',
    '-9007199254740993',
    '[1,9007199254740993]',
    '{"init":18446744073709551615}',
  ]) {
    assert.throws(
      () => parseSetting(`seeds=${text}`),
      /--set seeds: expected a whole number that is exact .*found -?\d+\.$/,
    );
  }
  assert.equal(parseSetting('a=9007199254740991').value, Number.MAX_SAFE_INTEGER);
  assert.equal(parseSetting('a=1e300').value, 1e300);
  assert.equal(parseSetting('a=./runs/9007199254740993/x').value, './runs/9007199254740993/x');
  assert.equal(parseSetting('a="9007199254740993"').value, '9007199254740993');
});

test('an unknown path is an error that names the nearest known one', () => {
  assert.throws(() => set('optimiser.rate=1'), /unknown path "optimiser.rate".*"optimizer.rate"/);
  assert.throws(() => set('data.path=1'), /unknown path "data.path"/);
  assert.throws(() => set('__proto__.x=1'), /unknown path/);
  assert.throws(() => set('steps.toString=1'), /unknown path/);
});

test('a value of another type is refused with path, expected and found', () => {
  assert.throws(() => set('steps=many'), /--set: steps: expected a number \(such as 100\), found a string "many"/);
  assert.throws(() => set('data.shuffle=1'), /data.shuffle: expected a boolean .* found a number 1/);
  assert.throws(() => set('optimizer=adamw'), /optimizer: expected an object/);
  assert.throws(() => set('optimizer.betas=0.9'), /expected an array/);
  assert.throws(() => set('data.file=null'), /expected a string .* found null/);
});

test('a tagged union of another kind is replaced whole; of the same kind, part by part', () => {
  assert.deepEqual(set('optimizer={"kind":"sgd","momentum":0.9}'), {
    ...CONFIG,
    optimizer: { kind: 'sgd', momentum: 0.9 },
  });
  assert.deepEqual(set('optimizer={"kind":"adamw","rate":0.2}'), {
    ...CONFIG,
    optimizer: { kind: 'adamw', rate: 0.2, betas: [0.9, 0.99] },
  });
  assert.throws(() => set('optimizer={"rate":0.2}'), /expected an object with "kind"/);
  // The defaults show one member of a union; what another may hold beside, or of another type, the recipe reads or refuses.
  assert.deepEqual(set('optimizer={"kind":"adamw","betas":"usual","clip":1}'), {
    ...CONFIG,
    optimizer: { kind: 'adamw', rate: 0.1, betas: 'usual', clip: 1 },
  });
});

test('after a union is replaced, the paths are those of its new kind', () => {
  const settings = [parseSetting('optimizer={"kind":"sgd","momentum":0.9}'), parseSetting('optimizer.momentum=0.5')];
  assert.deepEqual(withSettings(CONFIG, settings)['optimizer'], { kind: 'sgd', momentum: 0.5 });
  assert.throws(() => withSettings(CONFIG, [...settings, parseSetting('optimizer.rate=1')]), /unknown path/);
});

test('a plain object is merged and an empty one takes anything', () => {
  assert.deepEqual(set('data={"file":"b"}'), { ...CONFIG, data: { file: 'b', shuffle: true } });
  assert.deepEqual(set('tags={"any":{"thing":1}}'), { ...CONFIG, tags: { any: { thing: 1 } } });
});

test('the order of keys in a set does not matter: parents come before their parts', () => {
  const union = { kind: 'sgd', momentum: 0.9 };
  const orders = [
    { optimizer: union, 'optimizer.momentum': 0.1 },
    { 'optimizer.momentum': 0.1, optimizer: union },
  ];
  for (const order of orders) {
    assert.equal(valueAt(withSettings(CONFIG, settingsOf(order, 'arm')), 'optimizer.momentum'), 0.1);
  }
});

test('the known paths are all parents and leaves', () => {
  assert.deepEqual(pathsOf({ a: { b: 1, c: { d: [] } }, e: 2 }), ['a', 'a.b', 'a.c', 'a.c.d', 'e']);
});

test('a path that had another name is read under the one it has now, and its parts with it', () => {
  const former = { fileName: 'data.file', load: 'data', optimizer: 'optimizer.kind' };
  const given = (argument: string) => withSettings(CONFIG, [parseSetting(argument)], former);
  assert.deepEqual(given('fileName="b"'), withSettings(CONFIG, [parseSetting('data.file="b"')]));
  assert.deepEqual(given('load.shuffle=false'), withSettings(CONFIG, [parseSetting('data.shuffle=false')]));
  // The name of a group that was a value once.
  assert.deepEqual(given('optimizer=sgd'), withSettings(CONFIG, [parseSetting('optimizer.kind=sgd')]));
  assert.throws(() => given('fileNames=b'), /unknown path "fileNames"/);
});

test('a stored setting is read under today’s name, and one of today is left alone', () => {
  const former = { fileName: 'data.file', optimizer: 'optimizer.kind', rate: 'optimizer.rate' };
  const read = (path: string, value: Json): string =>
    presentSetting(CONFIG, { path, value, from: '--set' }, former).path;
  assert.equal(read('fileName', 'b'), 'data.file');
  assert.equal(read('optimizer', 'sgd'), 'optimizer.kind');
  assert.equal(read('optimizer', { kind: 'sgd' }), 'optimizer');
  assert.equal(read('optimizer.rate', 0.2), 'optimizer.rate');
  assert.equal(read('optimizer.ratio', 0.2), 'optimizer.ratio', 'no path of today begins with a value');
});

test('names that every object has are paths like any other: unknown ones', () => {
  for (const argument of [
    '__proto__={"polluted":1}',
    '__proto__.polluted=1',
    'constructor.prototype.polluted=1',
    'data.__proto__.polluted=1',
    'data.constructor={"name":"x"}',
    'data={"__proto__":{"polluted":1}}',
    'steps.toString=1',
  ]) {
    assert.throws(() => set(argument), /unknown path|expected/, argument);
  }
  assert.equal('polluted' in {}, false);
  // Where any key may stand, these may: as keys of their own.
  const tags = valueAt(withSettings(CONFIG, [parseSetting('tags={"__proto__":{"a":1},"constructor":2}')]), 'tags');
  assert.deepEqual(Object.entries(tags ?? {}), [
    ['__proto__', { a: 1 }],
    ['constructor', 2],
  ]);
  assert.equal(valueAt(CONFIG, 'constructor'), undefined);
  assert.equal(valueAt(CONFIG, 'data.__proto__'), undefined);
});
