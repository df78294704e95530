import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as fc from 'fast-check';

import { csvCell, readCell } from './csv-cell.ts';

test('no text that begins like a formula is written so that a spreadsheet runs it; numbers stay numbers', () => {
  for (const formula of ['=1+1', '+cmd', '-x', '@SUM(A1)', '\t=1', '\r=1', '=HYPERLINK("http://x","y")']) {
    assert.match(csvCell(formula), /^"?'/, formula);
  }
  for (const number of ['-5', '+1.5', '-.5e-3', '-2.']) assert.equal(csvCell(number), number);
  assert.deepEqual([csvCell(-5), csvCell(Number.NaN), csvCell(undefined), csvCell("it's")], ['-5', '', '', "it's"]);
});

test('what was written is read as it was, apostrophes of its own included', () => {
  const begin = fc.constantFrom('', "'", "''", '=', "'=", '-', "'-", '+', '@', '\t');
  const unquoted = (cell: string): string => (cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
  fc.assert(
    fc.property(begin, fc.string(), (first, rest) => {
      const text = first + rest;
      // An apostrophe before a number is nothing that is written here: it stays, as in a table from elsewhere.
      assert.equal(readCell(unquoted(csvCell(text))), text);
    }),
  );
});
