import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { FrameRun } from '#analysis/frame.ts';

import type { Doubt } from './doubt.ts';
import { readCsv } from './csv.ts';
import { readingOf, wholeTextOf } from './readings.ts';
import { parsedTrainerState, rowsFromTrainerState } from './run-logs.ts';
import { frameFromTable, type TableMapping, type TableRow } from './table.ts';

const MAPPING: TableMapping = {
  arm: 'arm',
  block: 'block',
  step: 'step',
  axes: { train: 'loss', heldOut: 'eval_loss' },
  outcomes: { harm: 'harm' },
};
const STEPS = 10;
const BREAKS_AT = 6;

interface Imported {
  readonly runs: readonly FrameRun[];
  readonly kinds: readonly Doubt['kind'][];
  readonly text: string;
}

function imported(rows: readonly TableRow[], mapping = MAPPING): Imported {
  const { frame, doubts } = frameFromTable(rows, mapping, 'x.csv');
  return { runs: frame.runs, kinds: doubts.map(({ kind }) => kind), text: doubts.map(({ text }) => text).join('\n') };
}

/** Cells of a healthy run's step, as a trainer logs them. */
type Cells = Record<string, string>;
const healthy = (step: number): Cells => ({
  loss: String(2 - step / 10),
  eval_loss: String(2.2 - step / 10),
  harm: '0.3',
  grad_norm: '1',
});

/** A table of two arms over two blocks, a row a step; `cellsOf` changes those of arm b. */
function tableOf(cellsOf: (step: number) => Cells): TableRow[] {
  const columns = ['loss', 'eval_loss', 'harm', 'grad_norm'];
  const lines = ['a', 'b'].flatMap((arm) =>
    [0, 1].flatMap((block) =>
      Array.from({ length: STEPS + 1 }, (_, step) => {
        const cells = arm === 'b' ? { ...healthy(step), ...cellsOf(step) } : healthy(step);
        return [arm, block, step, ...columns.map((column) => cells[column] ?? '')].join(',');
      }),
    ),
  );
  return readCsv(['arm,block,step,loss,eval_loss,harm,grad_norm', ...lines].join('\n'), 'x.csv');
}

const statuses = ({ runs }: Imported): string => runs.map(({ arm, status }) => `${arm} ${status}`).join(', ');
const ALL_HEALTHY = 'a finished, a finished, b finished, b finished';
const B_BROKE = 'a finished, a finished, b diverged, b diverged';

const SPELLINGS = [
  'NaN',
  'nan',
  ' nan ',
  '-nan',
  'inf',
  '-Inf',
  'Infinity',
  '-Infinity',
  '+inf',
  '1e999',
  '1.#QNAN',
  '-nan(ind)',
];

for (const text of SPELLINGS) {
  test(`a loss that is "${text}" from a step on ends the run there as diverged, and it is said`, () => {
    for (const column of ['loss', 'eval_loss', 'grad_norm']) {
      const found = imported(tableOf((step) => (step >= BREAKS_AT ? { [column]: text } : {})));
      assert.equal(statuses(found), B_BROKE, column);
      assert.deepEqual(found.kinds, ['brokenRuns']);
      assert.match(found.text, new RegExp(`2 runs count as diverged.*b block 0 \\(${column}, step ${BREAKS_AT}\\)`));
      assert.equal(found.runs[2]?.points.at(-1)?.step, BREAKS_AT - 1);
    }
  });
}

test('a row in which everything is NaN is a break too, also as the last one, and one that is passed by', () => {
  const all = { loss: 'nan', eval_loss: 'nan', harm: 'nan', grad_norm: 'nan' };
  assert.equal(statuses(imported(tableOf((step) => (step === STEPS ? all : {})))), B_BROKE);
  assert.equal(statuses(imported(tableOf((step) => (step === 5 ? { loss: 'nan' } : {})))), B_BROKE);
});

test('an empty cell, null, None and NA are "not measured", never a break', () => {
  for (const text of ['', 'null', 'None', 'NA', 'n/a', '<NA>']) {
    const found = imported(tableOf((step) => (step % 2 === 1 ? { eval_loss: text, harm: text } : {})));
    assert.equal(statuses(found), ALL_HEALTHY, text);
    assert.deepEqual(found.kinds, []);
  }
});

test('NaN that fills what was not logged is told from a loss that broke, and said to have been', () => {
  const sparse = (step: number): Cells => (step % 5 === 0 ? {} : { eval_loss: 'nan', harm: 'nan' });
  const rows = (broken: boolean): TableRow[] =>
    tableOf(sparse).map((row, i) => {
      const step = Number(row.cells['step']);
      const filled = { ...row.cells, ...(step % 5 === 0 ? {} : { eval_loss: 'nan', harm: 'nan' }) };
      const isBroken = broken && row.cells['arm'] === 'b' && step > 0;
      return { line: i + 2, cells: isBroken ? { ...filled, eval_loss: 'nan' } : filled };
    });
  const filled = imported(rows(false));
  assert.equal(statuses(filled), ALL_HEALTHY);
  assert.deepEqual(filled.kinds, ['nanTakenAsEmpty']);
  assert.match(filled.text, /eval_loss \(32 rows\)/);
  assert.equal(statuses(imported(rows(true))), B_BROKE);
});

test('rows of training and of evaluation that share a step are one probe, whatever fills their other cells', () => {
  const lines = ['a', 'b'].flatMap((arm) =>
    Array.from({ length: 6 }, (_, step) => [
      `${arm},0,${step},${2 - step / 10},nan,nan`,
      `${arm},0,${step},nan,${2.2 - step / 10},0.3`,
    ]).flat(),
  );
  const found = imported(readCsv(['arm,block,step,loss,eval_loss,harm', ...lines].join('\n'), 'x.csv'));
  assert.deepEqual(found.kinds, []);
  assert.deepEqual(found.runs[0]?.points[1], { step: 1, axes: { train: 1.9, heldOut: 2.1 }, outcomes: { harm: 0.3 } });
});

test('a row kind that never has the loss is no break, though it is rare', () => {
  const lines = ['a', 'b'].flatMap((arm) =>
    Array.from({ length: 41 }, (_, i) =>
      i % 10 === 9 ? `${arm},0,${i},nan,1.5,0.3` : `${arm},0,${i},${2 - i / 100},nan,nan`,
    ),
  );
  const found = imported(readCsv(['arm,block,step,loss,eval_loss,harm', ...lines].join('\n'), 'x.csv'));
  assert.deepEqual(
    found.runs.map(({ status }) => status),
    ['finished', 'finished'],
  );
  assert.deepEqual(found.kinds, ['nanTakenAsEmpty']);
});

test('an outcome that is not finite counts as not measured, and is a doubt of its own', () => {
  const found = imported(tableOf((step) => (step >= BREAKS_AT ? { harm: 'NaN' } : {})));
  assert.equal(statuses(found), ALL_HEALTHY);
  assert.deepEqual(found.kinds, ['brokenOutcomes']);
  assert.match(found.text, /harm is logged and not finite in 2 runs.*b block 0 \(from step 6\)/);
  assert.equal(found.runs[2]?.points[BREAKS_AT]?.outcomes, undefined);
});

test('a gradient norm that is finite again was a skipped step, unless the loss beside it is exactly 0', () => {
  const skipped = imported(tableOf((step) => (step === 3 ? { grad_norm: 'inf' } : {})));
  assert.equal(statuses(skipped), ALL_HEALTHY);
  assert.deepEqual(skipped.kinds, ['skippedSteps']);
  const zero = imported(tableOf((step) => (step === 3 ? { grad_norm: 'nan', loss: '0.0' } : {})));
  assert.equal(statuses(zero), B_BROKE);
});

/** A state as Trainer writes it, with numbers as Python prints them. */
function stateOf(records: readonly string[]): readonly TableRow[] {
  const text = `{"log_history": [${records.join(', ')}], "best": NaN}`;
  return rowsFromTrainerState(parsedTrainerState(text, 't.json'), { arm: 'a', block: 0 }, 't.json');
}

const HEALTHY = ['{"loss": 2.0, "grad_norm": 1.0, "step": 0}', '{"eval_loss": 2.1, "harm": 0.2, "step": 0}'];

for (const [what, record, column] of [
  ['loss NaN', '{"loss": NaN, "step": 10}', 'loss'],
  ['loss null', '{"loss": null, "step": 10}', 'loss'],
  ['held-out loss Infinity', '{"eval_loss": Infinity, "harm": 0.0, "step": 10}', 'eval_loss'],
  ['loss 0.0 with gradient norm NaN', '{"loss": 0.0, "grad_norm": NaN, "step": 10}', 'grad_norm'],
] as const) {
  test(`a trainer state with ${what} ends there, also where it recovers`, () => {
    const after = ['{"loss": 1.0, "grad_norm": 1.0, "step": 20}', '{"eval_loss": 1.1, "harm": 0.3, "step": 20}'];
    const { runs, text } = imported(stateOf([...HEALTHY, record, ...after]));
    assert.deepEqual([runs[0]?.status, runs[0]?.points.length], ['diverged', 1]);
    assert.match(text, new RegExp(`\\(${column}, step 10\\)`));
  });
}

test('NaN anywhere in a state is read: in lists, nested, beside texts that speak of it', () => {
  const records = [
    '{"loss": 2.0, "step": 0, "per_class": [NaN, -Infinity, [NaN]], "note": "was NaN, or \\"NaN\\"", "in": {"x":NaN}}',
    '{"eval_loss": 2.1, "harm": 0.2, "step": 0}',
  ];
  assert.equal(imported(stateOf(records)).runs[0]?.status, 'finished');
});

test('what a cell reads depends on its spelling and on how its table writes numbers', () => {
  assert.deepEqual(readingOf(Number.NaN), { kind: 'nan' });
  assert.deepEqual(readingOf(-Infinity), { kind: 'broken' });
  assert.deepEqual(readingOf('NaN(0x7ff8)'), { kind: 'broken' });
  assert.equal(readingOf([2]).kind, 'unreadable');
  assert.equal(readingOf(new Date(0)).kind, 'unreadable');
  assert.deepEqual(readingOf('fast'), { kind: 'unreadable', text: 'fast' });
  assert.deepEqual(readingOf('2,5', { isCommaDecimal: true }), { kind: 'finite', value: 2.5 });
  assert.deepEqual(readingOf('2,5'), { kind: 'unreadable', text: '2,5' });
});

test('whole numbers are read to the last digit, and refused where they lost one', () => {
  for (const [cell, digits] of [
    ['3', '3'],
    ['3.0', '3'],
    [3, '3'],
    ['0007', '7'],
    ['0', '0'],
    ['9007199254740993', '9007199254740993'],
    [9007199254740993n, '9007199254740993'],
  ] as const) {
    assert.deepEqual(wholeTextOf(cell), { kind: 'whole', digits });
  }
  for (const cell of ['-0', -0, '1e3', '-3', '3.5', 'x', '', 2 ** 53, '9007199254740993.0', Number.NaN]) {
    assert.equal(wholeTextOf(cell).kind, 'none', String(cell));
  }
});

test('blocks with labels from 2^53 on stay as many as they are, and their numbers are said', () => {
  const lines = ['9007199254740993', '9007199254740992', '10'].map((block) => `a,${block},0,2,2.2,0.3`);
  const { runs, text } = imported(readCsv(['arm,block,step,loss,eval_loss,harm', ...lines].join('\n'), 'x.csv'));
  assert.deepEqual(
    runs.map(({ block }) => block),
    [2, 1, 0],
  );
  assert.match(text, /0 is 10, 1 is 9007199254740992, 2 is 9007199254740993/);
  const lost = 'arm,block,step,loss,eval_loss,harm\na,9007199254740992.0,0,2,2,0\na,-0,0,2,2,0\n';
  assert.throws(
    () => imported(readCsv(lost, 'x.csv')),
    /x\.csv:2: expected an exact whole number.*\n.*:3: expected a whole number in column "block", found -0/,
  );
});

test('two runs under one label are refused, in one table and across files; a step logged again is a doubt', () => {
  const run = (shift: number): string[] =>
    Array.from({ length: 5 }, (_, step) => `a,0,${step},${2 + shift - step / 10},${2.2 - step / 10},0.3`);
  const header = 'arm,block,step,loss,eval_loss,harm';
  const csv = (lines: readonly string[]): TableRow[] => readCsv([header, ...lines].join('\n'), 'x.csv');
  assert.throws(
    () => imported(csv([...run(0), ...run(0.1)])),
    /one run with the label a block 0, found two that differ: loss at step 0 is 2 \(x\.csv:2\) and 2\.1 \(x\.csv:7\).*--rate/,
  );
  assert.deepEqual(imported(csv([...run(0), ...run(0.1).slice(4)])).kinds, ['duplicateSteps']);
  assert.deepEqual(imported(csv([...run(0), ...run(0)])).kinds, ['stepsOutOfOrder']);
  const files = ['one.csv', 'two.csv'].flatMap((file, i) =>
    csv(i === 0 ? run(0) : run(0.1).slice(4)).map((row) => ({ ...row, file })),
  );
  assert.throws(() => imported(files), /loss at step 4 is 1\.6 \(one\.csv:6\) and 1\.7\d* \(two\.csv:2\)/);
});

test('steps are in order where each file is, however the files follow each other', () => {
  const rows = ['loss', 'eval_loss', 'harm'].flatMap((column) =>
    readCsv(`arm,block,step,${column}\na,0,0,2\na,0,1,1\n`, 'x.csv').map((row) => ({ ...row, file: `${column}.csv` })),
  );
  assert.deepEqual(imported(rows).kinds, []);
});

test('a cluster is read from its column, one a block and for every run', () => {
  const mapping = { ...MAPPING, cluster: 'domain' };
  const csv = (...lines: readonly string[]): TableRow[] =>
    readCsv(['arm,block,step,loss,eval_loss,harm,domain', ...lines].join('\n'), 'x.csv');
  const rows = csv('a,0,0,2,2,0,law', 'a,0,1,1,1,0,law', 'b,0,0,2,2,0,law', 'a,1,0,2,2,0,food');
  assert.deepEqual(
    imported(rows, mapping).runs.map(({ cluster }) => cluster),
    ['law', 'law', 'food'],
  );
  assert.throws(() => imported(csv('a,0,0,2,2,0,'), mapping), /expected a cluster in column "domain"/);
  const two = csv('a,0,0,2,2,0,law', 'b,0,0,2,2,0,food');
  assert.throws(() => imported(two, mapping), /expected one cluster a block .* found law, food for block 0/);
});
