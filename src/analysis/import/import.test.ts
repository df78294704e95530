import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { parquetWriteBuffer } from 'hyparquet-writer';

import { analyse } from '#analysis/analyse.ts';
import type { Frame } from '#analysis/frame.ts';
import { auditStudy, type AuditRequest } from '#analysis/import/audit.ts';
import { readCsv } from '#analysis/import/csv.ts';
import { readParquet } from '#analysis/import/parquet.ts';
import { atMeasuredProbes } from '#analysis/import/measured-probes.ts';
import {
  LOG_COLUMNS,
  parsedTrainerState,
  rowsFromTrainerState,
  rowsFromWandb,
  rowsOfNamedRuns,
} from '#analysis/import/run-logs.ts';
import { noiseDoubt } from '#analysis/import/doubts.ts';
import { frameFromTable, type TableMapping } from '#analysis/import/table.ts';
import { BASE, DELTA, simulate } from '#analysis/validation/world.ts';
import { rngOf } from '#base/rng.ts';

const FILE = 'trajectories.csv';
const MAPPING: TableMapping = {
  arm: 'arm',
  block: 'block',
  step: 'step',
  learningRate: 'lr',
  axes: { train: 'train_loss', heldOut: 'eval_loss' },
  outcomes: { behaviour: 'score' },
};
const REQUEST: AuditRequest = {
  scope: 'runs trained elsewhere',
  axes: [
    { name: 'train', role: 'train', unit: 'nats' },
    { name: 'heldOut', role: 'heldOut', unit: 'nats' },
  ],
  outcomes: [{ name: 'behaviour', delta: DELTA, jumps: { kind: 'none', because: 'the runs are made up' } }],
  reference: 'reference',
  positiveControls: ['positive'],
};
const world = (effect: number): Frame =>
  simulate({ ...BASE, measureAll: true, effect: () => effect }, 8, rngOf(3, 'import.test'));

function csvOf(frame: Frame): string {
  const lines = frame.runs.flatMap((run) =>
    run.points.map(({ step, axes, outcomes }) =>
      [run.arm, run.block, run.learningRate, step, axes['train'], axes['heldOut'], outcomes?.['behaviour'] ?? ''].join(
        ',',
      ),
    ),
  );
  return ['arm,block,lr,step,train_loss,eval_loss,score', ...lines].join('\r\n');
}

test('CSV follows RFC 4180: quotes, doubled quotes, breaks inside quotes, CRLF, and lines are counted', () => {
  const rows = readCsv('\uFEFFa,"b ""x"""\r\n"1\n2",3\r\n\r\n4,"5,6"\n', 'x.csv');
  assert.deepEqual(rows, [
    { line: 2, cells: { a: '1\n2', 'b "x"': '3' } },
    { line: 5, cells: { a: '4', 'b "x"': '5,6' } },
  ]);
  assert.throws(() => readCsv('a,b\n1,2,3\n', 'x.csv'), /x\.csv:2: expected 2 fields as in the header, found 3/);
  assert.throws(() => readCsv('a,b\n1,"2\n', 'x.csv'), /x\.csv:2: expected a closing quote/);
  assert.throws(() => readCsv('a,a\n', 'x.csv'), /found "a" twice/);
});

test('a frame written as a table comes back as it was', () => {
  const frame = world(0);
  const { frame: back, doubts } = frameFromTable(readCsv(csvOf(frame), FILE), MAPPING, FILE);
  assert.deepEqual(back, frame);
  assert.deepEqual(doubts, []);
});

test('an audit of runs trained elsewhere reaches the verdict their world holds', () => {
  for (const [effect, expected] of [
    [0, 'noEffect'],
    [3 * DELTA, 'affects'],
  ] as const) {
    const { frame } = frameFromTable(readCsv(csvOf(world(effect)), FILE), MAPPING, FILE);
    const { study, doubts } = auditStudy(frame, REQUEST);
    assert.deepEqual(
      doubts.map((doubt) => doubt.kind),
      ['levelsFromData', 'levelsFromData'],
    );
    assert.equal(analyse(study, frame, { verdictsOnly: true }).verdicts[0]?.verdict, expected);
  }
});

test('what is wrong with a table is said with its lines, all at once', () => {
  const text =
    'arm,block,lr,step,train_loss,eval_loss,score\na,0,1,0,2,2,0\n,0,1,1,2,2,0\na,x,1,1,2,2,0\na,0,1,1,fast,2,0\n';
  assert.throws(
    () => frameFromTable(readCsv(text, FILE), MAPPING, FILE),
    /:3: expected an arm.*\n.*:4: expected a whole number in column "block", found x\.\n.*:5: expected a finite number in column "train_loss", found "fast"/,
  );
  assert.throws(
    () => frameFromTable(readCsv('arm,block,lr,step,train_los,eval_loss,score\n1,1,1,1,1,1,1\n', FILE), MAPPING, FILE),
    /expected a column "train_loss".*Did you mean "train_los"/,
  );
});

test('an axis that goes to and fro is noisy, and one that rises smoothly for long (memorising, overfitting) is not', () => {
  const axis = {
    name: 'loss',
    label: 'Loss',
    unit: 'nats',
    role: 'heldOut',
    levels: [1],
    maxGap: 1,
    direction: 'falls',
  } as const;
  const doubts = (values: readonly number[]): number => {
    const points = values.map((loss, step) => ({ step, axes: { loss } }));
    return noiseDoubt({ runs: [{ arm: 'a', block: 0, status: 'finished', points }] }, axis).length;
  };
  assert.equal(doubts([3, 3.2, 3.5, 3.7, 3.2, 2.5, 1.5, 1, 0.9, 1, 1.1, 1.3]), 0);
  assert.equal(doubts([3, 2.8, 2.9, 2.4, 2.6, 2.1, 2.2, 1.7, 1.8, 1.2]), 1);
  assert.equal(doubts([3, 2.8, 2.5, 2.4, 2.2, 2.1, 2.0, 1.7, 1.8, 1.2]), 0);
});

test('every doubt about the data is said', () => {
  const kinds = (frame: Frame, request = REQUEST): string[] =>
    auditStudy(frame, request).doubts.map((doubt) => doubt.kind);
  const frame = world(0);
  const only = (keep: (run: Frame['runs'][number]) => boolean): Frame => ({ runs: frame.runs.filter(keep) });
  assert.ok(kinds(only((run) => run.block < 4)).includes('fewBlocks'));
  assert.ok(kinds(only((run) => run.arm !== 'arm' || run.block !== 2)).includes('unpairedBlocks'));
  assert.ok(kinds(only((run) => (run.arm === 'arm') === (run.learningRate === 1))).includes('differentRates'));
  const sparse = simulate({ ...BASE, probes: 6 }, 8, rngOf(1, 'sparse'));
  const levels = REQUEST.axes.map((axis) => Object.assign({}, axis, { levels: [1.6, 1.4, 1.2], maxGap: 0.1 }));
  assert.ok(kinds(sparse, { ...REQUEST, axes: levels }).includes('wideGaps'));
  assert.ok(kinds(simulate({ ...BASE, lossNoise: 0.1 }, 8, rngOf(1, 'noisy'))).includes('noisyAxis'));
  const bare = simulate(BASE, 8, rngOf(1, 'bare'));
  const elsewhere = REQUEST.axes.map((axis) => Object.assign({}, axis, { levels: [1.55, 1.05], maxGap: 0.25 }));
  assert.ok(kinds(bare, { ...REQUEST, axes: elsewhere }).includes('missingOutcomes'));
  const twice = 'arm,block,lr,step,train_loss,eval_loss,score\na,0,1,1,2,2,0\na,0,1,1,3,2,0\na,0,1,0,2,2,0\n';
  assert.deepEqual(
    frameFromTable(readCsv(twice, FILE), MAPPING, FILE).doubts.map((doubt) => doubt.kind),
    ['duplicateSteps', 'stepsOutOfOrder'],
  );
});

test('Parquet rows are the rows of the table', async () => {
  const buffer = parquetWriteBuffer({
    columnData: [
      { name: 'arm', data: ['a', 'a'], type: 'STRING' },
      { name: 'step', data: [0, 1], type: 'INT32' },
      { name: 'loss', data: [2.5, 1.5], type: 'DOUBLE' },
    ],
  });
  assert.deepEqual(await readParquet(new Uint8Array(buffer), 'x.parquet'), [
    { line: 1, cells: { arm: 'a', step: 0, loss: 2.5 } },
    { line: 2, cells: { arm: 'a', step: 1, loss: 1.5 } },
  ]);
});

test('a Weights & Biases export becomes one run a series; a run without label is refused', () => {
  const csv = '"Step","lora-0 - train/loss","lora-0 - train/loss__MIN","full-0 - train/loss"\n0,2,2,2.1\n10,1.5,1.5,\n';
  const labels = new Map([
    ['lora-0', { arm: 'lora', block: 0 }],
    ['full-0', { arm: 'full', block: 0 }],
  ]);
  const rows = rowsFromWandb(readCsv(csv, 'wandb.csv'), (run) => labels.get(run), 'wandb.csv');
  const mapping: TableMapping = { ...LOG_COLUMNS, axes: { train: 'train/loss' }, outcomes: {} };
  const { frame } = frameFromTable(rows, mapping, 'wandb.csv');
  assert.deepEqual(
    frame.runs.map((run) => [run.arm, run.points.map((point) => point.axes['train'])]),
    [
      ['lora', [2, 1.5]],
      ['full', [2.1, undefined]],
    ],
  );
  assert.throws(() => rowsFromWandb(readCsv(csv, 'wandb.csv'), () => undefined, 'wandb.csv'), /for run "lora-0"/);
});

test('a table that names its runs in a column becomes labelled rows; rows of other logs in between are passed over', () => {
  const history =
    ',_step,_timestamp,run,train/loss,eval/loss,gpu\n0,0,17.5,lora-0,2,,\n1,0,17.6,lora-0,,2.2,\n2,,17.7,lora-0,,,91\n';
  const rows = rowsOfNamedRuns(readCsv(history, 'h.csv'), 'run', () => ({ arm: 'lora', block: 0 }), 'h.csv');
  const axes = { train: 'train/loss', heldOut: 'eval/loss' };
  const { frame } = frameFromTable(rows, { ...LOG_COLUMNS, step: '_step', axes, outcomes: {} }, 'h.csv');
  assert.deepEqual(frame.runs[0]?.points, [{ step: 0, axes: { train: 2, heldOut: 2.2 } }]);
  assert.throws(
    () => rowsOfNamedRuns(readCsv(history, 'h.csv'), 'run', () => undefined, 'h.csv'),
    /h\.csv: expected an arm and a block for run "lora-0"/,
  );
  assert.throws(() => rowsOfNamedRuns(readCsv(history, 'h.csv'), 'name', () => undefined, 'h.csv'), /column "name"/);
});

/** A file that Trainer wrote (test/reference/trainer-state.py). */
function trainerFixture(name: string): unknown {
  const path = new URL(`../../../test/fixtures/trainer/${name}`, import.meta.url);
  return parsedTrainerState(readFileSync(path, 'utf8'), name);
}

test('a state, or a list of runs, that names a key twice is refused with the line', () => {
  const text = '[{"file": "a.json", "arm": "a",\n "arm": "b", "block": 0}]';
  assert.throws(() => parsedTrainerState(text, 'runs.json'), /runs\.json: the key "arm" appears twice .*, line 2/);
  assert.throws(() => parsedTrainerState('{', 'runs.json'), /runs\.json: expected the JSON that Trainer writes/);
});

test('a state that Trainer wrote is read: losses where they were logged, one that is no number has diverged', () => {
  const mapping: TableMapping = {
    ...LOG_COLUMNS,
    axes: { train: 'loss', heldOut: 'eval_loss' },
    outcomes: { harm: 'eval_harm' },
  };
  const label = { arm: 'lora', block: 3 };
  const runOf = (name: string): Frame['runs'][number] | undefined =>
    frameFromTable(rowsFromTrainerState(trainerFixture(name), label, name), mapping, name).frame.runs[0];
  const run = runOf('finished.json');
  assert.equal(run?.status, 'finished');
  assert.deepEqual(
    run.points.map(({ step, axes, outcomes }) => [step, Object.keys(axes).length, outcomes !== undefined]),
    [5, 10, 15, 20, 25, 30, 35, 40].map((step) => [step, step % 10 === 0 ? 2 : 1, step % 10 === 0]),
  );
  assert.equal(run.points[0]?.axes['train'], 2.379813575744629);
  assert.equal(runOf('diverged.json')?.status, 'diverged');
});

test('where losses are logged more often than behaviour, only probes with both count, and it is said', () => {
  const points = Array.from({ length: 9 }, (_, step) => ({
    step,
    axes: { train: 2 - step / 8 },
    ...(step % 4 === 0 && { outcomes: { harm: step } }),
  }));
  const frame: Frame = { runs: [{ arm: 'a', block: 0, status: 'finished', points }] };
  const thinned = atMeasuredProbes(frame, [{ name: 'train' }]);
  assert.deepEqual(
    thinned.frame.runs[0]?.points.flatMap(({ axes }) => axes['train'] ?? []),
    [2, 1.5, 1],
  );
  assert.match(thinned.doubts[0]?.text ?? '', /logged 9 times, and 3 times at a step with an outcome/);
  const bare = frame.runs.map((run) => ({ ...run, points: run.points.map(({ step, axes }) => ({ step, axes })) }));
  assert.throws(
    () => atMeasuredProbes({ runs: bare }, [{ name: 'train' }], ['train/global_step']),
    /train logged 9 times and never at a step at which an outcome .*--step train\/global_step/,
  );
  const whole = atMeasuredProbes(thinned.frame, [{ name: 'train' }]);
  assert.deepEqual(whole, { frame: thinned.frame, doubts: [] });
});

test('training and evaluation records of trainer_state.json meet at their step', () => {
  const state = {
    log_history: [
      { step: 10, loss: 1.2, learning_rate: 0.001, epoch: 0.1 },
      { step: 10, eval_loss: 1.4, eval_score: 0.3, epoch: 0.1 },
    ],
  };
  const rows = rowsFromTrainerState(state, { arm: 'lora', block: 3, learningRate: 0.002 }, 'trainer_state.json');
  const mapping: TableMapping = {
    ...LOG_COLUMNS,
    axes: { train: 'loss', heldOut: 'eval_loss' },
    outcomes: { score: 'eval_score' },
  };
  assert.deepEqual(frameFromTable(rows, mapping, 'trainer_state.json').frame.runs, [
    {
      arm: 'lora',
      block: 3,
      learningRate: 0.002,
      status: 'finished',
      points: [{ step: 10, axes: { train: 1.2, heldOut: 1.4 }, outcomes: { score: 0.3 } }],
    },
  ]);
  assert.throws(() => rowsFromTrainerState({}, { arm: 'a', block: 0 }, 'trainer_state.json'), /log_history/);
});

test('one run under several seeds, or under both arms, is doubted by the names of its blocks', () => {
  const frame = world(0);
  const kinds = (runs: Frame['runs']): string[] =>
    auditStudy({ runs }, REQUEST).doubts.flatMap(({ kind, text }) => (kind.startsWith('equal') ? [text] : []));
  assert.deepEqual(kinds(frame.runs), []);
  const first = (arm: string): Frame['runs'][number] =>
    frame.runs.find((run) => run.arm === arm && run.block === 0) ?? assert.fail(arm);
  const copies = frame.runs.map((run) => (run.arm === 'arm' ? { ...run, points: first('arm').points } : run));
  assert.match(kinds(copies)[0] ?? '', /^blocks 0, 1, 2, 3, 4, 5, 6, 7 of arm are equal, as if one run stood under/);
  const nearly = frame.runs.map((run) => {
    if (run.arm !== 'arm' || run.block > 1) return run;
    const points = first('arm').points.map((point) => ({
      ...point,
      axes: { ...point.axes, train: (point.axes['train'] ?? 0) * (1 + 1e-5 * run.block) },
    }));
    return { ...run, points };
  });
  assert.match(kinds(nearly)[0] ?? '', /^blocks 0, 1 of arm are nearly equal \(within 0\.1% of/);
  const twins = frame.runs.map((run) =>
    run.arm === 'arm' && run.block < 2
      ? { ...run, points: frame.runs.find((one) => one.arm === 'reference' && one.block === run.block)?.points ?? [] }
      : run,
  );
  assert.match(kinds(twins)[0] ?? '', /^arm and reference are equal to the last digit in blocks 0, 1,/);
});

test('a loss of exactly 0 is doubted, since trainers log it for one that is not finite', () => {
  const runs = world(0).runs.map((run) =>
    run.arm === 'arm' ? { ...run, points: [...run.points, { step: 999, axes: { train: 0, heldOut: 1 } }] } : run,
  );
  const zero = auditStudy({ runs }, REQUEST).doubts.find(({ kind }) => kind === 'zeroLoss');
  assert.match(zero?.text ?? '', /^train is exactly 0 in \d+ runs \(arm block 0/);
});
