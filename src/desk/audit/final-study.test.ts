import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { rngOf } from '#base/rng.ts';

import { type AuditMap, EMPTY_MAP, mapOf } from './audit-map.ts';
import { auditSource } from './audit-sources.ts';
import { auditOf } from './audit-study.ts';
import type { Audit } from './audited.ts';

const ROOT = mkdtempSync(join(tmpdir(), 'assay-final-'));
const ASKED: AuditMap = { ...EMPTY_MAP, outcomes: [{ name: 'harm', delta: 0.1 }], reference: 'adamw' };
const ARMS = ['adamw', 'muon', 'poisoned'];
const HEADER = 'arm,block,harm,train_loss';
const SEEDS = 8;

after(() => rmSync(ROOT, { recursive: true }));

/** Rows of final results: muon does more harm by .2, at a loss that is lower by .1. */
function rows(): string[] {
  const rng = rngOf(5, 'final-study');
  return ARMS.flatMap((arm, a) =>
    Array.from({ length: SEEDS }, (_, seed) => {
      const loss = 0.6 - 0.1 * a + 0.06 * rng.normal();
      return [arm, seed, 0.3 + 0.2 * a + 0.03 * rng.normal(), loss].join(',');
    }),
  );
}

async function audited(lines: readonly string[], map: AuditMap = ASKED): Promise<Audit> {
  const path = join(ROOT, 'finals.csv');
  writeFileSync(path, `${lines.join('\n')}\n`);
  return auditOf(await auditSource([path]), map, []);
}

test('a table without steps is read as final results, which is said, and asked in claims about the end alone', async () => {
  const { frame, study, doubts } = await audited([HEADER, ...rows()], {
    ...ASKED,
    controls: ['poisoned'],
    values: [{ outcome: 'harm', value: 0.5, label: 'chance' }],
  });
  assert.equal(frame.runs.length, ARMS.length * SEEDS);
  assert.ok(frame.runs.every(({ points }) => points.length === 1));
  assert.match(doubts[0] ?? '', /no column of steps and is read as final results/);
  assert.deepEqual([study.matchOn, study.contrasts], [[], []]);
  assert.deepEqual(
    study.claims?.map(({ arm, against, at, asks }) => [arm, against, at, asks]),
    [
      ['muon', { kind: 'arm', arm: 'adamw' }, { kind: 'end' }, { kind: 'question' }],
      ['poisoned', { kind: 'arm', arm: 'adamw' }, { kind: 'end' }, { kind: 'control', expect: 'differs' }],
      ...ARMS.map((arm) => [
        arm,
        { kind: 'value', value: 0.5, label: 'chance' },
        { kind: 'end' },
        { kind: 'question' },
      ]),
    ],
  );
  assert.doesNotMatch(`${study.question} ${study.scope} ${doubts.join(' ')}`, /beyond/);
});

test('a loss at the end is described, with what a line through it would leave, and is never matched on', async () => {
  const map: AuditMap = { ...ASKED, columns: { train: 'train_loss' }, matchOn: [{ name: 'train', role: 'train' }] };
  const { study, doubts } = await audited([HEADER, ...rows()], map);
  assert.deepEqual(study.matchOn, []);
  const described = doubts.filter((doubt) => doubt.startsWith('train at the end'));
  assert.equal(described.length, 2);
  assert.match(
    described[0] ?? '',
    /muon against adamw −0\.\d+ \[−0\.\d+, −0\.\d+\]; along a straight line in it .* in harm/,
  );
  // Losses that no two runs of both arms share.
  const apart = rows().map((row) =>
    row.replace(/[^,]+$/, (loss) => String(row.startsWith('muon') ? Number(loss) - 1 : loss)),
  );
  const { doubts: ofApart } = await audited([HEADER, ...apart], map);
  assert.ok(ofApart.some((doubt) => /muon against adamw .*no value is common to both arms/.test(doubt)));
  await assert.rejects(
    audited([HEADER, ...rows()], { ...map, matchOn: [{ name: 'train', levels: [0.5] }] }),
    /final results pass no level/,
  );
});

test('rows that are probes along training, or two runs under one seed, are refused with what to do', async () => {
  const own = rows();
  await assert.rejects(
    audited([HEADER, ...own, 'muon,3,0.9,0.4']),
    /one row of final results for muon block 3, found two that differ: harm is .*finals\.csv:13.* and 0\.9 \(finals\.csv:26\)\..*--step COLUMN/s,
  );
});

test('a row that stands there twice counts once and is said; missing cells and seeds of one arm alone are named', async () => {
  const [first = '', ...rest] = rows();
  const blank = rest.map((row) => (row.startsWith('muon,3,') ? 'muon,3,,0.4' : row));
  const lines = [HEADER, first, first, ...blank.filter((row) => !row.startsWith('muon,7,'))];
  const { frame, doubts } = await audited(lines);
  assert.equal(frame.runs.length, ARMS.length * SEEDS - 1);
  assert.ok(doubts.some((doubt) => /1 rows say again what an earlier row .*finals\.csv:3/.test(doubt)));
  assert.ok(doubts.some((doubt) => /harm is missing in 1 of 23 rows \(muon seed 3\)/.test(doubt)));
  assert.ok(doubts.some((doubt) => /muon against adamw: blocks 7 have only one arm/.test(doubt)));
});

test('a table with steps is no table of final results: it needs an axis, or a claim about the ends of its runs', async () => {
  const lines = ['arm,block,step,harm,train_loss', ...rows().map((row) => row.replace(/^(\w+,\d+)/, '$1,100'))];
  await assert.rejects(audited(lines), /Expected an axis to match on.*A table without a column of steps/s);
  const values = [{ outcome: 'harm', value: 0.5, label: 'chance' }];
  const { study } = await audited(lines, mapOf({ outcomes: [{ name: 'harm', delta: 0.1 }], values }));
  assert.deepEqual(
    study.claims?.map(({ name }) => name),
    ARMS.map((arm) => `${arm} vs chance`),
  );
  assert.equal(study.question, 'Does adamw or muon or poisoned differ from chance in harm at the end of training?');
  await assert.rejects(
    audited([HEADER, ...rows()], { ...ASKED, values: [{ outcome: 'harms', value: 1 }] }),
    /one of the outcomes harm, found "harms". Did you mean "harm"/,
  );
});

test('claims of a map are asked as they are written, and refused by name where they speak of what is not there', async () => {
  const claim = {
    name: 'interaction',
    arm: 'muon',
    against: { kind: 'arms', weights: { adamw: 2, poisoned: -1 }, label: 'what two differences would give' },
    at: { kind: 'end' },
    outcomes: ['harm'],
  } as const;
  const map = (change: object): AuditMap => ({
    ...mapOf({ outcomes: [{ name: 'harm', delta: 0.1 }], claims: [{ ...claim, ...change }] }),
    reference: 'adamw',
  });
  const { study } = await audited([HEADER, ...rows()], map({}));
  assert.deepEqual(study.claims?.at(-1), { ...claim, asks: { kind: 'question' } });
  const refused = [
    [{ arm: 'muom' }, /an arm of the table in a claim, found "muom". Did you mean "muon"/],
    [{ against: { kind: 'arms', weights: { sgd: 1 }, label: 'x' } }, /an arm of the table in a claim, found "sgd"/],
    [{ outcomes: ['help'] }, /an outcome of the table in a claim, found "help"/],
    [{ at: { kind: 'crossed', axis: 'train' } }, /final results at the end, found "interaction" at another place/],
    [{ name: 'muon vs adamw' }, /claims with a name each, found "muon vs adamw" twice/],
  ] as const;
  for (const [change, message] of refused) await assert.rejects(audited([HEADER, ...rows()], map(change)), message);
  assert.throws(
    () => map({ against: { kind: 'arms', weights: { adamw: 'two' }, label: 'x' } }),
    /claims\.0\.against\.weights/,
  );
  assert.throws(() => map({ at: { kind: 'end', level: 3 } }), /claims\.0\.at\.level/);
});
