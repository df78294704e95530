import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { importStudy } from '#runner/import-study.ts';
import { memberOf, planRecordOf, type Provenance } from '#store/records.ts';
import { openSqliteStore } from '#store/sqlite.ts';
import type { Store } from '#store/store.ts';
import { confirmatoryRuns, planStudy, type RunSpec, type StudyPlan } from '#study/plan.ts';
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
  const { planId } = plan;
  await store.savePlan(planRecordOf(plan));
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
  const written = readFileSync(join(exported, 'verdicts.csv'), 'utf8');
  assert.match(written, /^behaviour,low-rank vs plain,low-rank,plain,affects,0\.2,0\.0078125,8,0,,/m);
  for (const name of ['verdicts', 'contrasts', 'levels', 'controls']) {
    assert.ok(existsSync(join(exported, `${name}.parquet`)));
    const beside = readFileSync(join(ROOT, 'report', `${name}.csv`), 'utf8');
    assert.equal(readFileSync(join(exported, `${name}.csv`), 'utf8'), beside);
  }
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
  // The control is of moderate size: one of several deltas shows nothing of effects of one.
  const table = fileWith('null.csv', tableOf(0, 0.15));
  const args = ['audit', table, ...ASKED, '--out', join(ROOT, 'null')];
  const bare = await assay(...args, '--contrast', 'muon=adamw', '--json');
  assert.equal(bare.status, 0, bare.stderr);
  assert.match(bare.stderr, /doubt: there is no positive control, so "no effect" cannot be claimed/);
  assert.match(bare.stderr, /doubt: the levels of training loss \(.*\) were laid over the data's own range/);
  assert.match(bare.stdout, /"verdict":"undecided"/);
  const controlled = await assay(...args, '--control', 'poisoned', '--jumps', 'harm=none', '--json');
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

/** A run of `tableOf` as rows of numbers: step, training loss, held-out loss, harm. */
function runsOfTable(text: string): Map<string, number[][]> {
  const runs = new Map<string, number[][]>();
  for (const line of text.trimEnd().split('\n').slice(1)) {
    const [arm, seed, ...numbers] = line.split(',');
    const key = `${arm}-seed${seed}`;
    runs.set(key, [...(runs.get(key) ?? []), numbers.map(Number)]);
  }
  return runs;
}

/** The file as Trainer writes it, with another history: loss at every step, evaluation at every second. */
function trainerState(rows: readonly number[][]): string {
  const fixture = readFileSync(new URL('../fixtures/trainer/finished.json', import.meta.url), 'utf8');
  const state: Record<string, unknown> = JSON.parse(fixture);
  const history = rows.flatMap(([step = 0, loss = 0, held, harm]) => [
    { epoch: step / 10, grad_norm: 1, learning_rate: 0.001, loss, step: 10 * step },
    ...(step % 2 === 0
      ? [{ epoch: step / 10, eval_harm: harm, eval_loss: held, eval_runtime: 1, step: 10 * step }]
      : []),
  ]);
  return JSON.stringify({ ...state, log_history: history, global_step: 10 * (rows.length - 1) });
}

/** Text without its line breaks, which depend on the length of names. */
function unwrapped(text: string): string {
  return text.replace(/\s+/g, ' ');
}

const TRAINER = ['--train', 'loss', '--held-out', 'eval_loss', '--outcome', 'eval_harm=0.1', '--reference', 'adamw'];

test('states of Hugging Face Trainer are audited by a pattern of their paths, or by a list of them', async () => {
  const folder = join(ROOT, 'hf');
  const list: object[] = [];
  for (const [key, rows] of runsOfTable(tableOf(0.3))) {
    for (const last of [200, 400]) {
      const path = join(folder, 'runs', key, `checkpoint-${last}`);
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, 'trainer_state.json'), trainerState(rows.slice(0, last / 10 + 1)));
    }
    const [arm, block] = [key.replace(/-seed.*/, ''), Number(key.replace(/.*-seed/, ''))];
    list.push({ file: `runs/${key}/checkpoint-400/trainer_state.json`, arm, block });
  }
  writeFileSync(join(folder, 'runs.json'), JSON.stringify(list));
  const pattern = 'runs/{arm}-seed{block}/checkpoint-*/trainer_state.json';
  const args = [...TRAINER, '--control', 'poisoned', '--out', 'out'];
  const audit = await start(['audit', pattern, ...args], { cwd: folder }).ended;
  assert.equal(audit.status, 0, audit.stderr);
  assert.match(audit.stderr, /^24 runs: adamw \(8 seeds\), muon \(8 seeds\), poisoned \(8 seeds\)$/m);
  assert.match(audit.stderr, /^doubt: training loss was logged 984 times, and 504 times at a step with an outcome/m);
  assert.match(audit.stdout, /muon vs adamw, eval_harm \(delta 0\.1\): affects beyond loss/);
  const report = readFileSync(join(folder, 'out', 'report.html'), 'utf8');
  const answer = /<h2 id="answer">.*?<\/section>/s.exec(report)?.[0] ?? '';
  assert.match(answer, /class="doubts".*training loss was logged 984 times/s);
  const listed = await start(['audit', 'runs.json', ...args], { cwd: folder }).ended;
  assert.equal(unwrapped(listed.stdout).replaceAll('runs.json', pattern), unwrapped(audit.stdout));
});

test('histories of Weights & Biases are audited: one file a run, or all in one table that names its runs', async () => {
  const folder = join(ROOT, 'history');
  mkdirSync(folder);
  const names = ['', '_step', '_runtime', '_timestamp', 'train/loss', 'eval/loss', 'eval/harm'];
  const all = [`${names.join(',')},name`];
  for (const [key, rows] of runsOfTable(tableOf(0.3))) {
    const lines = rows.map(([step, train, held, harm], i) => [i, step, 1.5, 1.7e9, train, held, harm].join(','));
    writeFileSync(join(folder, `${key}.csv`), [names.join(','), ...lines, ''].join('\n'));
    all.push(...lines.map((line) => `${line},${key}`));
  }
  writeFileSync(join(folder, 'all.csv'), all.join('\n'));
  const metrics = ['--step', '_step', '--train', 'train/loss', '--held-out', 'eval/loss', '--outcome', 'eval/harm=0.1'];
  const args = [...metrics, '--reference', 'adamw', '--out', 'out'];
  const pattern = '{arm}-seed{block}.csv';
  const apart = await start(['audit', pattern, ...args], { cwd: folder }).ended;
  assert.match(apart.stdout, /muon vs adamw, eval\/harm .*affects beyond loss/, apart.stderr);
  const named = ['--run', 'name', '--run-names', '{arm}-seed{block}'];
  const together = await start(['audit', 'all.csv', ...named, ...args], { cwd: folder }).ended;
  assert.equal(unwrapped(together.stdout).replaceAll('all.csv', pattern), unwrapped(apart.stdout));
});

test('charts of Weights & Biases, one file a metric, are audited together', async () => {
  const folder = join(ROOT, 'charts');
  mkdirSync(folder);
  const runs = [...runsOfTable(tableOf(0.3))];
  for (const [column, metric] of ['train/loss', 'eval/loss', 'eval/harm'].entries()) {
    const head = runs.flatMap(([key]) => ['', '__MIN', '__MAX'].map((end) => `"${key} - ${metric}${end}"`));
    const lines = Array.from({ length: 41 }, (_, step) =>
      [step, ...runs.flatMap(([, rows]) => Array<number>(3).fill(rows[step]?.[column + 1] ?? 0))].join(','),
    );
    writeFileSync(join(folder, `chart${column}.csv`), [['"Step"', ...head].join(','), ...lines, ''].join('\n'));
  }
  const metrics = ['--train', 'train/loss', '--held-out', 'eval/loss', '--outcome', 'eval/harm=0.1'];
  const args = ['--run-names', '{arm}-seed{block}', ...metrics, '--reference', 'adamw', '--out', 'out'];
  const { status, stdout, stderr } = await start(['audit', 'chart0.csv', 'chart1.csv', 'chart2.csv', ...args], {
    cwd: folder,
  }).ended;
  assert.equal(status, 0, stderr);
  assert.match(stdout, /muon vs adamw, eval\/harm .*affects beyond loss/);
});

test('a quantity that rises is matched as one that falls: levels, crossings, verdict and picture', async () => {
  const lines = tableOf(0.3).trimEnd().split('\n');
  const mirrored = lines.map((line, i) => `${line},${i === 0 ? 'reward' : -Number(line.split(',')[3])}`);
  const table = fileWith('reward.csv', `${mirrored.join('\n')}\n`);
  const asked = ['--arm', 'optimizer', '--block', 'seed', '--outcome', 'harm=0.1', '--reference', 'adamw'];
  const out = (name: string): string[] => ['--control', 'poisoned', '--out', join(ROOT, name)];
  const falls = await assay('audit', table, ...asked, '--axis', 'train_loss', ...out('falls'));
  const rises = await assay('audit', table, ...asked, '--axis', 'reward:rises', ...out('rises'));
  assert.equal(rises.status, 0, rises.stderr);
  assert.match(rises.stdout, /muon vs adamw, harm .*affects beyond reward/);
  assert.match(rises.stdout, /raises harm beyond reward/);
  const rowsOf = ({ stdout }: Ended): string[] =>
    stdout
      .split('\n')
      .filter((line) => /^ {2}(reward|train_loss) /.test(line))
      .map((line) => line.trim().replace(/^\S+ +/, ''));
  assert.deepEqual(rowsOf(rises), rowsOf(falls));
  assert.doesNotMatch(rises.stderr, /wrong way|gap between them/);
  const page = readFileSync(join(ROOT, 'rises', 'report.html'), 'utf8');
  assert.match(page, /Reward \(units\), rising →/);
  assert.doesNotMatch(page, /matched loss|as loss falls/);
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
  [['runs.csv', ...ASKED, '--jumps', 'harms=none'], /Expected one of the outcomes harm, found "harms"/],
  [['runs.csv', ...ASKED, '--jumps', 'harm=0'], /--jumps expects "none" or a size above 0, found "0"/],
  [['runs.csv', ...ASKED, '--levels', 'trian=1,2'], /Expected one of the axes train, heldOut, found "trian"/],
  [['runs.csv', ...ASKED, '--levels', 'train=1,x'], /--levels expects numbers, found "x"/],
  [['runs.csv', ...ASKED, '--where', 'optimizer=sgd'], /expected rows with optimizer "sgd", found none/],
  [['runs.csv', '--map', 'broken.json'], /broken\.json: expected JSON/],
  [['runs.csv', '--map', 'typo.json'], /matchOn\.0\.levles.*did you mean "levels"/],
  [['typo.json', ...ASKED], /Expected a list of runs in typo\.json.*give a pattern/],
  [['runs.txt', ...ASKED], /Expected a \.csv, \.tsv or \.parquet file/],
  [['runs/{arm}.csv', ...ASKED], /Expected \{arm\} and \{block\} in the pattern .* found no \{block\}/],
  [['runs/{arm}-{seed}-{block}.csv', ...ASKED], /found \{seed\}/],
  [['none/{arm}-{block}.csv', ...ASKED], /Expected files like none.*found none/],
];

for (const [args, message] of REFUSALS) {
  test(`"assay audit ${args.join(' ')}" is refused with status 2 before anything is written`, async () => {
    fileWith('runs.csv', tableOf(0.3));
    fileWith('runs.txt', '');
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
    assert.equal(commands.length, 4);
    writeFileSync(join(folder, 'make-finals.mjs'), fenced('mjs'));
    assert.equal(spawnSync(process.execPath, ['make-finals.mjs'], { cwd: folder }).status, 0);
    const [doubted, clear, mapped, final] = await Promise.all(
      commands.map(async (args) => start([...args, '--out', args.join('')], { cwd: folder }).ended),
    );
    assert.deepEqual([doubted?.status, clear?.status, mapped?.status], [0, 0, 0]);
    assert.equal(doubted?.stderr.match(/^doubt: /gm)?.length, 3);
    assert.equal(clear?.stderr, '');
    assert.equal(clear?.stdout.replace(/^report: .*\n/m, ''), fenced('text'));
    assert.match(mapped?.stdout ?? '', /affects beyond loss/);
    assert.equal(final?.stdout.replace(/^report: .*\n/m, ''), fenced('final'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
