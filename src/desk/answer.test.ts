import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { claimsFixture } from '#report/claims-fixture.ts';
import { importStudy } from '#runner/import-study.ts';
import type { RunSummary } from '#runner/run-study.ts';
import { memberOf, type Provenance } from '#store/records.ts';
import { openSqliteStore } from '#store/sqlite.ts';
import type { Store } from '#store/store.ts';
import { confirmatoryRuns, planStudy, type StudyPlan } from '#study/plan.ts';

import { type Answer, answerOf, isDecided, lookedAt } from './answer.ts';
import { exitStatusOf } from '#cli/answer-lines.ts';
import { collected } from './collected.ts';
import { resultLine } from '#cli/result-line.ts';

const TOY = new URL('../../test/e2e/toy/study.ts', import.meta.url).href;
const ROOT = mkdtempSync(join(tmpdir(), 'assay-answer-'));
const HERE: Provenance = {
  assay: '1',
  commit: 'c',
  onnxruntime: '1',
  node: '24',
  os: 'linux',
  arch: 'x64',
  instructionSets: '',
};
const SUMMARY: RunSummary = { finished: 8, diverged: 1, failures: [], isComplete: true };
const CONTRACT_KEYS = [
  'schemaVersion',
  'study',
  'profile',
  'runs',
  'seconds',
  'look',
  'controls',
  'verdicts',
  'claims',
  'maps',
  'report',
];
const VERDICT_KEYS = [
  'outcome',
  'contrast',
  'arm',
  'reference',
  'verdict',
  'reason',
  'whyKind',
  'delta',
  'alpha',
  'absenceAlpha',
  'blocks',
  'p',
  'matchings',
  'learningRates',
];

after(() => rmSync(ROOT, { recursive: true }));

/** Stores finished runs of an arm whose behaviour is `behaviour` whatever the loss. */
async function storeArm(store: Store, plan: StudyPlan, arm: string, behaviour: number): Promise<void> {
  const specs = confirmatoryRuns(plan, arm, [0.1]);
  await store.addMembers(
    plan.planId,
    specs.map((spec) => memberOf({ ...spec, arm })),
  );
  for (const spec of specs) {
    // What an earlier plan stored is there.
    if ((await store.readRun(spec.measureId)) !== undefined) continue;
    await store.openRun({ ...spec, recipe: 'toy', semanticsVersion: 1 }, HERE);
    const points = [3, 2.5, 2, 1.5, 1, 0.5].map((loss, step) => ({
      step,
      axes: { train: loss, heldOut: loss + 0.001 * (spec.block % 3) },
      outcomes: { behaviour: behaviour + 0.01 * (spec.block % 4) },
    }));
    await store.endRun(spec.measureId, points, { kind: 'finished' });
  }
}

test('an arm without an admissible rate leaves its contrasts undecided and its controls failed, with the reason', async () => {
  const plan = planStudy(await importStudy(TOY), { profile: 'quick', blocks: 8 });
  await using store = await openSqliteStore(join(ROOT, 'none'));
  await store.settleArm(plan.planId, { arm: 'plain', outcome: { kind: 'none', reason: 'all 3 pilot runs diverged' } });
  await storeArm(store, plan, 'low-rank', 0.5);
  const request = {
    plan,
    planId: plan.planId,
    reportFolder: { path: join(ROOT, 'report-none'), isForced: false },
    command: 'assay run toy',
  };
  const answer = await answerOf(store, request);
  const [verdict] = answer.verdicts;
  assert.equal(verdict?.verdict, 'undecided');
  assert.match(verdict.reason, /"plain" has no admissible learning rate: all 3 pilot runs diverged/);
  assert.deepEqual(
    answer.controls.map(({ name, passed }) => [name, passed]),
    [['other seeds', false]],
  );
  assert.equal(exitStatusOf(0, answer), 3);
  assert.equal(exitStatusOf(1, answer), 1);
});

test('the result line has the keys of the contract in its order, and numbers only where there are estimates', async () => {
  const plan = planStudy(await importStudy(TOY), { profile: 'quick', blocks: 8 });
  await using store = await openSqliteStore(join(ROOT, 'line'));
  await storeArm(store, plan, 'plain', 0.2);
  await storeArm(store, plan, 'low-rank', 0.8);
  const request = {
    plan,
    planId: plan.planId,
    reportFolder: { path: join(ROOT, 'report-line'), isForced: false },
    command: 'assay run toy',
  };
  const answer = await answerOf(store, request);
  assert.match(readFileSync(answer.report, 'utf8'), /Does the runner give the same answer however it is interrupted\?/);
  const line = resultLine({ study: 'toy', profile: 'quick', summary: SUMMARY, seconds: 1.23456, answer });
  assert.doesNotMatch(line, /\n/);
  const parsed: Record<string, unknown> = JSON.parse(line);
  assert.deepEqual(Object.keys(parsed), CONTRACT_KEYS);
  assert.deepEqual(parsed['runs'], { finished: 8, diverged: 1, failed: 0 });
  assert.equal(parsed['seconds'], 1.235);
  const verdicts = parsed['verdicts'];
  assert.ok(Array.isArray(verdicts) && verdicts.length === 1);
  const verdict: Record<string, unknown> = verdicts[0];
  assert.deepEqual(Object.keys(verdict), VERDICT_KEYS);
  const matchings = JSON.stringify(verdict['matchings']);
  assert.match(matchings, /^\{"train":\{"estimate":0\.6/);
  assert.match(matchings, /"ci95":\[/);
});

test('a decision of an earlier look is found in the store’s runs again, whoever asks, and nothing is left to decide', async () => {
  await using store = await openSqliteStore(join(ROOT, 'again'));
  const study = await importStudy(TOY);
  const answered = async (blocks: number): Promise<Answer> => {
    const plan = planStudy(study, { profile: 'quick', blocks });
    for (const [arm, behaviour] of Object.entries({ plain: 0.2, again: 0.2, 'low-rank': 0.8 })) {
      await storeArm(store, plan, arm, behaviour);
    }
    const reportFolder = { path: join(ROOT, `report-${blocks}`), isForced: true };
    const request = { plan, planId: plan.planId, reportFolder, command: 'assay run toy' };
    const answer = await lookedAt(store, request);
    // Reading again is the same look.
    const { verdicts } = await answerOf(store, request);
    assert.deepEqual(verdicts, answer.verdicts);
    return answer;
  };
  const first = await answered(6);
  assert.deepEqual([first.verdicts[0]?.verdict, first.verdicts[0]?.decidedAt], ['affects', undefined]);
  const second = await answered(7);
  // Seven blocks have no p below 2/128, and 0.002 of alpha is left.
  assert.deepEqual(second.verdicts[0]?.decidedAt, { look: 1, blocks: 6, alpha: first.look?.alpha });
  assert.equal(second.verdicts[0]?.verdict, 'affects');
  assert.ok(isDecided(second) && exitStatusOf(0, second) === 0);
  const page = readFileSync(second.report, 'utf8');
  assert.match(page, /lowers|raises/);
  assert.match(page, /<b>Affects beyond loss \(decided at the look at 6 blocks\)<\/b>/);
  const line = resultLine({ study: 'toy', profile: 'quick', summary: SUMMARY, seconds: 1, answer: second });
  assert.match(line, /"verdict":"affects","decidedAt":\{"look":1,"blocks":6,"alpha":0\.03/);
  assert.match(line, /"look":\{"blocks":7,"alpha":0\.0021\d*,"previous":\[\{"blocks":6,"alpha":0\.03\d*\}\]\}/);
});

test('what is collected of a plan: ended runs in a frame, trouble with its reason, pilot scores, provenance', async () => {
  const plan = planStudy(await importStudy(TOY), { profile: 'quick', blocks: 2 });
  await using store = await openSqliteStore(join(ROOT, 'collected'));
  await storeArm(store, plan, 'plain', 0.2);
  const [first, second, hot] = plan.pilots;
  assert.ok(first && second && hot);
  for (const spec of [first, second, hot]) {
    await store.addMembers(plan.planId, [memberOf(spec)]);
    await store.openRun({ ...spec, recipe: 'toy', semanticsVersion: 1 }, HERE);
  }
  await store.endRun(first.measureId, [{ step: 0, axes: { heldOut: 2 } }], { kind: 'finished' });
  await store.endRun(second.measureId, [], { kind: 'failed', message: 'no memory' });
  await store.endRun(hot.measureId, [], { kind: 'diverged', step: 7, reason: 'loss NaN' });
  await store.settleArm(plan.planId, { arm: 'plain', outcome: { kind: 'admissible', rates: [first.learningRate] } });
  const found = await collected(store, plan, plan.planId);
  assert.deepEqual(
    found.frame.runs.map(({ arm, block }) => [arm, block]),
    [
      ['plain', 0],
      ['plain', 1],
    ],
  );
  assert.deepEqual(
    found.troubled.map(({ kind, reason }) => [kind, reason]),
    [
      ['failed', 'no memory'],
      ['diverged', 'loss NaN at step 7'],
    ],
  );
  assert.deepEqual(found.pilotRates, [
    { arm: 'plain', learningRate: first.learningRate, isAdmissible: true, best: 2 },
    { arm: 'plain', learningRate: hot.learningRate, isAdmissible: false },
  ]);
  assert.deepEqual(
    found.provenance.map(({ commit }) => commit),
    ['c'],
  );
});

test('an undecided place of a claim leaves something undecided; one of a control is not asked', () => {
  const claims = claimsFixture().analysis.claims ?? [];
  const open = claims.filter(({ levels }) => levels.some(({ verdict }) => verdict === 'undecided'));
  const settled = claims.filter((record) => !open.includes(record));
  assert.ok(open.length > 0 && settled.length > 0);
  assert.equal(isDecided({ verdicts: [], claims: settled }), true);
  assert.equal(isDecided({ verdicts: [], claims: [...settled, ...open] }), false);
  assert.equal(isDecided({ verdicts: [], claims: open.map((record) => ({ ...record, asks: 'control' })) }), true);
});
