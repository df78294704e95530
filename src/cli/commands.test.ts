import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { said } from './said-fixture.ts';

const TOY = fileURLToPath(new URL('../../test/e2e/toy/study.ts', import.meta.url));
const ROOT = mkdtempSync(join(tmpdir(), 'assay-cli-'));
const NEVER = join(ROOT, 'never');
const MAP = join(ROOT, 'map.json');
const TABLE = join(ROOT, 'runs.csv');
writeFileSync(TABLE, 'a,seed,step,x\n');
writeFileSync(MAP, '{"columns": {"arm": "a", "arm": "b"}}');

after(() => rmSync(ROOT, { recursive: true }));

const REFUSALS: readonly (readonly [args: readonly string[], message: RegExp])[] = [
  [['run', TOY, '--set', 'steps={"a":'], /--set steps: expected a JSON value/],
  [['run', TOY, '--set', 'steps=many'], /steps: expected a number .* found a string "many"/],
  [['run', TOY, '--set', 'steps=0'], /arm "plain", learning rate 0.1: steps: expected at least 1, found 0/],
  [['run', TOY, '--set', 'rate=1'], /"rate" is set by the arms' learning rates/],
  [['run', TOY, '--profile', 'full'], /no profile "full"; it has quick, standard/],
  [['run', TOY, '--profile', 'fast'], /--profile expects quick, standard, full; found "fast"/],
  [['run', TOY, '--seeds', 'two'], /--seeds expects a whole number from 1 to 100000, found "two"/],
  [['run', TOY, '--seeds', '8', '--until-decided'], /either --seeds or --until-decided/],
  [['run', TOY, '--max-seeds', '8'], /--max-seeds needs --until-decided/],
  [['run', TOY, '--until-decided', '--max-seeds', '3'], /at least 8, the first look; found 3/],
  [['run', TOY, '--workers', '0'], /--workers expects a whole number/],
  [['run', TOY, '--checkpoint-seconds', 'often'], /--checkpoint-seconds expects a number/],
  [['run', TOY, '--wrokers', '2'], /Unknown option --wrokers; the nearest known one is --workers/],
  [['run', TOY, '--set'], /--set/],
  [['run'], /Expected <study>, found nothing/],
  [['run', TOY, 'twice'], /Expected <study>, found .* twice/],
  [['run', 'no-such-study'], /Unknown study "no-such-study"/],
  [['run', './no-such-study.ts'], /There is no study file .*no-such-study\.ts/],
  [['init', join(TOY, '..')], /Expected a new or empty folder, found \d+ files or folders in/],
  [['init', TOY], /Expected a new or empty folder, found .*study\.ts: /],
  [['init', NEVER, '--kind', 'magic'], /--kind expects world or finetune; found "magic"/],
  [['init', NEVER, '--model', 'x'], /--model belongs to a study of your own model: add --kind finetune/],
  [['scenes'], /Expected <folder>, found nothing/],
  [['scenes', NEVER, '--count', '20001'], /--count expects a whole number from 1 to 20000, found "20001"/],
  [['scenes', NEVER, '--seed', '-1'], /--seed/],
  [['scenes', NEVER, '--seed', '1e3'], /--seed expects a whole number of at least 0 \(below 2\^53\), found "1e3"/],
  [['run', TOY, '--set', 'rate=1e400'], /--set rate: expected numbers up to 1\.79.*found 1e400, which is more/],
  [['run', join(TOY, '..', '/')], /Expected the file of a study, found the folder/],
  [['audit', ROOT, '--outcome', 'x=1'], /expected a file, found a folder\. Name a file in it/],
  [['audit', TABLE, '--map', MAP], /map\.json: the key "arm" appears twice in one object/],
  [['scenes', ''], /Expected <folder>, found an empty word/],
  [['init', ' '], /Expected <folder>, found an empty word/],
  [['run', ''], /Expected <study>, found an empty word/],
  [['score', 'a.json', ''], /Expected <transcripts\.\.\.>, found an empty word/],
  [['export', TOY, '--out', ''], /Expected a value for --out, found an empty word/],
  [['scenes', NEVER, '--part', 'new'], /--part expects seen, held, any; found "new"/],
  [
    ['scenes', NEVER, '--part', 'held'],
    /"held.kind": expected latin or blocks, for scenes of held-out pairs, found none/,
  ],
  [['scenes', NEVER, '--set', 'familly=cells'], /unknown path "familly".*"family"/],
  [['scenes', NEVER, '--set', 'family=bodies'], /"family": expected one of cells, figures, solids, found "bodies"/],
  [['scenes', NEVER, '--set', 'shapes=5'], /"shapes": expected a whole number from 2 to 4/],
  [['scenes', NEVER, '--set', 'lights=["dusk"]'], /"lights": expected a list of some of none, left/],
  [['init'], /Expected <folder>, found nothing/],
  [['rnu', TOY], /Unknown command "rnu"; the nearest known one is "run"/],
  [['run', TOY, '--store', 'postgres://host/db'], /--store expects a folder, found "postgres:/],
];

for (const [args, message] of REFUSALS) {
  const shown = args.map((arg) => (arg === TOY ? '<toy>' : arg)).join(' ');
  test(`"assay ${shown}" is refused with status 2 before a store is made`, async () => {
    const store =
      args.includes('--store') || args[0] === 'rnu' || ['init', 'scenes', 'audit'].includes(args[0] ?? '')
        ? []
        : ['--store', NEVER];
    const { status, out, notes } = await said(...args, ...store);
    assert.match(notes, message);
    assert.equal(status, 2);
    assert.equal(out, '');
    assert.equal(existsSync(NEVER), false);
  });
}

test('a file that is no study is refused, naming what was expected', async () => {
  const [file, broken] = [join(ROOT, 'not-a-study.ts'), join(ROOT, 'broken.ts')];
  writeFileSync(file, 'export const study = 1;\n');
  writeFileSync(broken, 'export default {;\n');
  assert.match((await said('plan', file)).notes, /expected "export default defineStudy/);
  const { status, notes } = await said('plan', broken);
  assert.match(notes, /Cannot import the study/);
  assert.equal(status, 2);
});

test('a folder that cannot be made is refused with what stands in its way, by whatever would write there', async () => {
  const folder = join(TABLE, 'below');
  for (const args of [
    ['init', folder],
    ['scenes', folder, '--count', '1'],
  ]) {
    const { status, notes } = await said(...args);
    assert.ok(
      notes.includes(
        `Cannot write to ${folder}: a file or a broken link stands at ${TABLE}, where a folder is needed.`,
      ),
      notes,
    );
    assert.equal(status, 2);
  }
});

test('looking at a store that is not there says how to make one', async () => {
  for (const command of ['status', 'export', 'report']) {
    const { status, notes } = await said(command, TOY, '--store', NEVER);
    assert.equal(status, 1);
    assert.match(notes, /There is no store in .*assay run/);
  }
});

test('every command explains itself, and no command at all is bad usage', async () => {
  const overview = await said('--help');
  assert.equal(overview.status, 0);
  const commands = [...overview.out.matchAll(/^ {2}(\w+) /gm)].map((match) => match[1] ?? '');
  assert.deepEqual(commands, [
    'init',
    'list',
    'run',
    'plan',
    'status',
    'report',
    'export',
    'audit',
    'score',
    'scenes',
    'doctor',
  ]);
  for (const command of commands) {
    const help = await said(command, '--help');
    assert.equal(help.status, 0);
    assert.match(help.out, new RegExp(`^assay ${command}.*\\n[^]*--help`));
  }
  assert.equal((await said()).status, 2);
});

test('the version is the package.json one', async () => {
  assert.match((await said('--version')).out, /^\d+\.\d+\.\d+$/);
});

test('plan shows arms, rates and the number of runs without making a store', async () => {
  const { status, out } = await said('plan', TOY);
  assert.equal(status, 0);
  assert.match(out, /^plain +0\.1 0\.2 0\.9 +3 +3 to 6$/m);
  assert.match(out, /^again +0\.1 +0 +3$/m);
  assert.match(out, /^time: unknown, 14 to 20 runs to make; .* Measure it: assay plan .*study\.ts --pilot$/m);
  assert.match(out, /^power at 3 blocks: the chance of each verdict on behaviour, delta 0\.2 fraction,$/m);
  assert.match(out, /fewer than 6 blocks decide nothing/);
});

test('doctor checks this machine line by line and leaves no trace', async () => {
  const { out } = await said('doctor', '--store', NEVER);
  assert.match(out, /^ok +Node: \d/m);
  assert.match(out, /^ok +ONNX Runtime: loads and computes$/m);
  assert.match(out, /^ok +store: none yet/m);
  assert.equal(existsSync(NEVER), false);
});

test('doctor calls a folder it cannot make a problem, with status 1', async () => {
  const file = join(ROOT, 'file');
  writeFileSync(file, '');
  const { status, out } = await said('doctor', '--store', join(file, 'store'));
  assert.equal(status, 1);
  assert.match(out, /^problem +disk: /m);
});
