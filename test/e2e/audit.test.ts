import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { importStudy } from '#runner/import-study.ts';
import { memberOf, type Provenance } from '#store/records.ts';
import { openSqliteStore } from '#store/sqlite.ts';
import type { Store } from '#store/store.ts';
import { confirmatoryRuns, descriptionOf, planStudy, type RunSpec, type StudyPlan } from '#study/plan.ts';
import type { RunEnd } from '#study/trajectory.ts';

import { assay, type Ended, newFolder, start, TOY } from './command.ts';

const ROOT = newFolder('audit');
const HERE: Provenance = {
  assay: '1',
  commit: 'c',
  onnxruntime: '1',
  node: '24',
  os: 'linux',
  arch: 'x64',
  instructionSets: '',
};
const STEPS = 21;
/** The toy study's arms with the behaviour stored for them; `again` repeats `plain`. */
const BEHAVIOURS = { plain: 0.2, 'low-rank': 0.7, again: 0.2 } as const;

after(() => rmSync(ROOT, { recursive: true }));

/** A run whose losses fall past the toy's levels, with an arm's behaviour and some noise. */
async function storeRun(store: Store, spec: RunSpec, behaviour: number, end: RunEnd): Promise<void> {
  await store.openRun({ ...spec, recipe: 'toy', semanticsVersion: 1 }, HERE);
  const points = Array.from({ length: STEPS }, (_, step) => {
    const train = 3 - step / 8 + 0.01 * Math.sin(spec.block + step);
    const noise = 0.05 * Math.sin(7 * spec.seed + 3 * step);
    return { step, axes: { train, heldOut: 1.1 * train }, outcomes: { behaviour: behaviour + noise } };
  });
  await store.endRun(spec.measureId, end.kind === 'finished' ? points : [], end);
}

/** A store of the toy study with 8 blocks: pilots, confirmatory runs, and one that broke before its first probe. */
async function storedStudy(folder: string): Promise<StudyPlan> {
  const plan = planStudy(await importStudy(TOY), { profile: 'quick', blocks: 8 });
  await using store = await openSqliteStore(folder);
  const { planId, profile, blocks } = plan;
  await store.savePlan({ planId, study: plan.study.name, profile, blocks, description: descriptionOf(plan) });
  const pilots = plan.pilots.map((spec) => ({ spec, behaviour: 9 }));
  const runs = Object.entries(BEHAVIOURS).flatMap(([arm, behaviour]) =>
    confirmatoryRuns(plan, arm, [0.1]).map((spec) => ({ spec, behaviour })),
  );
  const all = [...pilots, ...runs];
  await store.addMembers(
    planId,
    all.map(({ spec }) => memberOf(spec)),
  );
  for (const { spec, behaviour } of all) {
    const isBroken = spec.arm === 'again' && spec.block === 7;
    const end: RunEnd = isBroken ? { kind: 'diverged', step: 0, reason: 'loss NaN' } : { kind: 'finished' };
    await storeRun(store, spec, behaviour, end);
  }
  return plan;
}

/** What the last line of `--json` says. */
function answered({ stdout }: Ended): Record<string, unknown> {
  const parsed: Record<string, unknown> = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
  return parsed;
}

test('an export of ours is audited as it is, CSV and Parquet alike, to the verdicts of its study', async () => {
  const store = join(ROOT, 'store');
  await storedStudy(store);
  const report = await assay('report', TOY, '--store', store, '--out', join(ROOT, 'report'));
  const exported = join(ROOT, 'export');
  assert.equal((await assay('export', TOY, '--store', store, '--out', exported)).status, 0);
  for (const table of ['trajectories.csv', 'trajectories.parquet']) {
    const out = join(ROOT, `${table}-audit`);
    const audit = await assay('audit', join(exported, table), '--out', out);
    assert.equal(audit.status, report.status, audit.stderr);
    const textOf = ({ stdout }: Ended): string => stdout.replace(/^report: .*$/m, '');
    assert.equal(textOf(audit), textOf(report));
    assert.match(audit.stdout, /low-rank vs plain, behaviour .*affects beyond loss/);
    const line = answered(await assay('audit', join(exported, table), '--out', out, '--json'));
    assert.deepEqual(line['runs'], { finished: 23, diverged: 1, failed: 0 });
    assert.ok(existsSync(join(out, 'report.html')));
  }
});

/** A table of two arms that differ by `effect`, and of one known to differ, over 8 seeds. */
function tableOf(effect: number, known = 0.6): string {
  const rows = ['optimizer,seed,step,train_loss,eval_loss,harm'];
  for (let seed = 0; seed < 8; seed++) {
    const arms = { adamw: 0, muon: effect, poisoned: known };
    for (const [arm, own] of Object.entries(arms)) {
      for (let step = 0; step <= 40; step++) {
        const train = 0.3 + 2 * Math.exp(-step / (12 + 0.5 * seed));
        const held = train + (0.2 + 0.02 * (seed % 3)) * (1 - Math.exp(-step / 15));
        const harm = 0.2 + own + 0.02 * Math.sin(7 * seed + 31 * own) + 0.02 * Math.sin(13 * step + seed);
        rows.push([arm, seed, step, train, held, harm].join(','));
      }
    }
  }
  return `${rows.join('\n')}\n`;
}

function fileWith(name: string, text: string): string {
  const path = join(ROOT, name);
  writeFileSync(path, text);
  return path;
}

const COLUMNS = ['--arm', 'optimizer', '--block', 'seed', '--train', 'train_loss', '--held-out', 'eval_loss'];
const ASKED = [...COLUMNS, '--outcome', 'harm=0.1', '--reference', 'adamw'];

test('without a positive control "no effect" is not claimed, and the output says so; with one it is', async () => {
  const table = fileWith('null.csv', tableOf(0));
  const args = ['audit', table, ...ASKED, '--out', join(ROOT, 'null')];
  const bare = await assay(...args, '--contrast', 'muon=adamw', '--json');
  assert.equal(bare.status, 0, bare.stderr);
  assert.match(bare.stderr, /doubt: there is no positive control, so "no effect" cannot be claimed/);
  assert.match(bare.stderr, /doubt: the levels of train \(.*\) were laid over the data's own range/);
  assert.match(bare.stdout, /"verdict":"undecided"/);
  const controlled = await assay(...args, '--control', 'poisoned', '--json');
  assert.equal(controlled.status, 0, controlled.stderr);
  assert.doesNotMatch(controlled.stderr, /no positive control/);
  assert.match(controlled.stdout, /"verdict":"noEffect"/);
});

test('a map says the same as flags, and flags win over it', async () => {
  const table = fileWith('map.csv', tableOf(0.3));
  const map = {
    columns: { arm: 'optimizer', block: 'seed', train: 'train_loss', heldOut: 'eval_loss' },
    matchOn: [
      { name: 'train', role: 'train', label: 'Training loss', levels: [1.8, 1.4, 1], maxGap: 0.3 },
      { name: 'heldOut', role: 'heldOut', label: 'Held-out loss', levels: [1.8, 1.4, 1.1], maxGap: 0.3 },
    ],
    outcomes: [{ name: 'harm', delta: 0.1 }],
    reference: 'adamw',
    controls: ['poisoned'],
  };
  const file = fileWith('map.json', JSON.stringify(map));
  const [out, controls] = [
    ['--out', join(ROOT, 'map')],
    ['--control', 'poisoned'],
  ];
  const gaps = ['--max-gap', 'train=0.3', '--max-gap', 'heldOut=0.3'];
  const levels = ['--levels', 'train=1.8,1.4,1', '--levels', 'heldOut=1.8,1.4,1.1'];
  const mapped = await assay('audit', table, '--map', file, ...out);
  const flagged = await assay('audit', table, ...ASKED, ...controls, ...levels, ...gaps, ...out);
  assert.equal(mapped.status, 0, mapped.stderr);
  assert.equal(mapped.stdout, flagged.stdout);
  assert.match(mapped.stdout, /muon vs adamw, harm \(delta 0.1\): affects beyond loss/);
  assert.doesNotMatch(mapped.stderr, /doubt/);
  const larger = await assay('audit', table, '--map', file, '--outcome', 'harm=0.5', ...out);
  assert.match(larger.stdout, /harm \(delta 0.5\)/);
});

test('a control that is not found ends in status 3', async () => {
  const table = fileWith('control.csv', tableOf(0.3, 0));
  const { status, stdout } = await assay('audit', table, ...ASKED, '--control', 'poisoned', '--out', join(ROOT, 'c'));
  assert.equal(status, 3);
  assert.match(stdout, /FAILED control poisoned differs/);
});

test('a Weights & Biases export is audited by labels of its runs', async () => {
  const [header = '', ...lines] = tableOf(0.3).trimEnd().split('\n');
  assert.match(header, /^optimizer,seed,step/);
  const cells = lines.map((line) => line.split(','));
  const names = [...new Set(cells.map(([arm, seed]) => `${arm}-${seed}`))];
  const metrics = ['train_loss', 'eval_loss', 'harm'];
  const columns = names.flatMap((name) => metrics.map((metric) => `"${name} - ${metric}"`));
  const rows = Array.from({ length: 41 }, (_, step) => {
    const own = names.map((name) => cells.find((one) => `${one[0]}-${one[1]}` === name && one[2] === String(step)));
    return [step, ...own.flatMap((one) => one?.slice(3) ?? ['', '', ''])].join(',');
  });
  const table = fileWith('wandb.csv', `${['Step', ...columns].join(',')}\n${rows.join('\n')}\n`);
  const runs = Object.fromEntries(
    names.map((name) => [name, { arm: name.replace(/-\d+$/, ''), block: Number(name.split('-')[1]) }]),
  );
  const map = fileWith('wandb.json', JSON.stringify({ runs }));
  const flags = ['--train', 'train_loss', '--held-out', 'eval_loss', '--outcome', 'harm=0.1', '--reference', 'adamw'];
  const { status, stdout, stderr } = await assay('audit', table, '--map', map, ...flags, '--out', join(ROOT, 'w'));
  assert.equal(status, 0, stderr);
  const plain = fileWith('plain.csv', tableOf(0.3));
  const same = await assay('audit', plain, ...ASKED, '--out', join(ROOT, 'w'));
  assert.equal(stdout.replaceAll('wandb.csv', 'plain.csv'), same.stdout);
});

const REFUSALS: readonly (readonly [args: readonly string[], message: RegExp])[] = [
  [['none.csv', ...ASKED], /Cannot read .*none\.csv/],
  [['runs.csv', '--outcome', 'harm=0.1'], /Expected an axis to match on, found none/],
  [['runs.csv', ...COLUMNS], /Expected an outcome, found none/],
  [['runs.csv', ...COLUMNS, '--outcome', 'harm'], /--outcome expects COLUMN=DELTA, found "harm"/],
  [['runs.csv', ...COLUMNS, '--outcome', 'harm=0'], /Expected a delta above 0 for outcome "harm", found 0/],
  [['runs.csv', ...COLUMNS, '--outcome', 'harms=0.1'], /expected a column "harms".*Did you mean "harm"/],
  [['runs.csv', ...ASKED, '--reference', 'adam'], /found "adam". Did you mean "adamw"/],
  [['runs.csv', ...ASKED, '--contrast', 'moun=adamw'], /found "moun". Did you mean "muon"/],
  [['runs.csv', ...ASKED, '--levels', 'trian=1,2'], /Expected one of the axes train, heldOut, found "trian"/],
  [['runs.csv', ...ASKED, '--levels', 'train=1,x'], /--levels expects numbers, found "x"/],
  [['runs.csv', ...ASKED, '--where', 'optimizer=sgd'], /expected rows with optimizer "sgd", found none/],
  [['runs.csv', '--map', 'broken.json'], /broken\.json: expected JSON/],
  [['runs.csv', '--map', 'typo.json'], /matchOn\.0\.levles.*did you mean "levels"/],
  [['typo.json', ...ASKED], /Expected a \.csv or \.parquet file/],
];

for (const [args, message] of REFUSALS) {
  test(`"assay audit ${args.join(' ')}" is refused with status 2 before anything is written`, async () => {
    fileWith('runs.csv', tableOf(0.3));
    fileWith('broken.json', '{');
    fileWith('typo.json', '{"matchOn":[{"name":"train","levles":[1]}]}');
    const { status, stdout, stderr } = await start(['audit', ...args], { cwd: ROOT }).ended;
    assert.match(stderr, message);
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.equal(existsSync(join(ROOT, 'runs-audit')), false);
  });
}

test('the commands of docs/guide/03-i-already-have-runs.md work as they stand there and print what is shown', async () => {
  const page = readFileSync(new URL('../../docs/guide/03-i-already-have-runs.md', import.meta.url), 'utf8');
  const fenced = (kind: string): string =>
    new RegExp(`\`\`\`${kind}\\n([^]*?)\`\`\``).exec(page)?.[1] ?? assert.fail(`the page has no ${kind}`);
  const folder = newFolder('guide');
  try {
    writeFileSync(join(folder, 'map.json'), fenced('json'));
    writeFileSync(join(folder, 'make-table.mjs'), fenced('js'));
    assert.equal(spawnSync(process.execPath, ['make-table.mjs'], { cwd: folder }).status, 0);
    const commands = [...page.matchAll(/^ {4}npx assay (audit .*)$/gm)].map((match) => match[1]?.split(' ') ?? []);
    assert.equal(commands.length, 3);
    const [doubted, clear, mapped] = await Promise.all(
      commands.map(async (args) => start([...args, '--out', args.join('')], { cwd: folder }).ended),
    );
    assert.deepEqual([doubted?.status, clear?.status, mapped?.status], [0, 0, 0]);
    assert.equal(doubted?.stderr.match(/^doubt: /gm)?.length, 3);
    assert.equal(clear?.stderr, '');
    assert.equal(clear?.stdout.replace(/^report: .*\n/m, ''), fenced('text'));
    assert.match(mapped?.stdout ?? '', /affects beyond loss/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
