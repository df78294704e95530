import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readCsv } from './csv.ts';
import { frameFromTable } from './table.ts';
import { decodedTable } from './table-text.ts';

const TEXT = 'arm,löss\r\na,2\r\n';
const utf16 = (text: string, isBig: boolean): Uint8Array => {
  const bytes = Buffer.from(text, 'utf16le');
  return new Uint8Array(isBig ? bytes.swap16() : bytes);
};

test('tables in UTF-8 and UTF-16, with a byte-order mark and without, hold the same text', () => {
  for (const bytes of [
    new TextEncoder().encode(TEXT),
    new TextEncoder().encode(`\uFEFF${TEXT}`),
    utf16(`\uFEFF${TEXT}`, false),
    utf16(`\uFEFF${TEXT}`, true),
    utf16(TEXT, false),
    utf16(TEXT, true),
  ]) {
    assert.deepEqual(readCsv(decodedTable(bytes, 'x.csv'), 'x.csv'), [{ line: 2, cells: { arm: 'a', löss: '2' } }]);
  }
});

test('bytes of another encoding are refused by name instead of read as other letters', () => {
  const latin = Uint8Array.from(TEXT, (letter) => letter.charCodeAt(0));
  assert.throws(
    () => decodedTable(latin, 'x.csv'),
    /x\.csv: expected text in UTF-8 or UTF-16.*Save the table as UTF-8/,
  );
});

test('a pointer that Git LFS left in a table’s place is called what it is', () => {
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n';
  assert.throws(() => decodedTable(new TextEncoder().encode(pointer), 'x.csv'), /pointer of Git LFS.*git lfs pull/);
});

test('columns are separated by what the header uses, and quoted breaks and separators stay in their cells', () => {
  for (const [text, name] of [
    ['arm;"lo;ss, \nnats";x\n"a;b\n";2,5;"1"\n', 'lo;ss, \nnats'],
    ['sep=;\narm;loss;x\n"a;b\n";2,5;1\n', 'loss'],
    ['arm\tloss\tx\n"a;b\n"\t2,5\t1\n', 'loss'],
    ['arm\tloss, nats\tx\r"a;b\n"\t2,5\t1\r', 'loss, nats'],
  ] as const) {
    const [row] = readCsv(text, 'x.csv');
    assert.deepEqual(row?.cells, { arm: 'a;b\n', [name]: '2,5', x: '1' });
    assert.equal(row?.isCommaDecimal, true);
  }
  assert.equal(readCsv('arm,loss\na,2\n', 'x.csv')[0]?.isCommaDecimal, undefined);
});

const mapping = { arm: 'arm', block: 'block', step: 'step', axes: { train: 'loss' }, outcomes: { harm: 'harm' } };

test('a decimal comma is read where commas do not separate, and refused where points stand beside', () => {
  const read = (text: string): readonly unknown[] =>
    frameFromTable(readCsv(text, 'x.csv'), mapping, 'x.csv').frame.runs[0]?.points ?? [];
  assert.deepEqual(read('arm;block;step;loss;harm\na;0;0;2,5;0,125\na;0;1;1,5e-1;,5\n'), [
    { step: 0, axes: { train: 2.5 }, outcomes: { harm: 0.125 } },
    { step: 1, axes: { train: 0.15 }, outcomes: { harm: 0.5 } },
  ]);
  assert.throws(
    () => read('arm;block;step;loss;harm\na;0;0;2,5;0\na;0;1;1.5;0\n'),
    /column "loss" writes numbers with a decimal comma \(2,5, x\.csv:2\) and a point \(1\.5, x\.csv:3\)/,
  );
  assert.throws(() => read('arm;block;step;loss;harm\na;0;0;1.234,5;0\n'), /found "1\.234,5"/);
  assert.throws(() => read('arm,block,step,loss,harm\na,0,0,"2,5",0\n'), /found "2,5"/);
});
