/** What is bounded, refused or warned of at the command line: stores on odd disks, inputs that are no files, counts without sense. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, cpSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { FINETUNE_DEFAULTS, readFinetuneConfig } from '#recipes/finetune/config.ts';

import { assay, newFolder, start, TOY } from './command.ts';

const ROOT = newFolder('limits');
const MODEL = fileURLToPath(new URL('../fixtures/models/llama', import.meta.url));

after(() => rmSync(ROOT, { recursive: true }));

test('a store on a file system that is not known to be local is warned of by run and doctor, with the kind', async () => {
  // A file system of the kernel itself is of no known kind; that it cannot be written is said after the warning.
  const doctor = await assay('doctor', '--store', '/sys/assay');
  assert.match(doctor.stdout, /^warning {2}disk: \/sys\/assay is on .* not known to be local \(sysfs\)/m);
  const run = await assay('run', TOY, '--store', '/sys/assay');
  assert.match(run.stderr, /^warning: \/sys\/assay is on .* not known to be local \(sysfs\)/m);
  assert.doesNotMatch((await assay('doctor', '--store', ROOT)).stdout, /not known to be local/);
});

test('a store where no folder can be is refused, not waited for', { skip: !existsSync('/proc/self') }, async () => {
  const { status, stderr } = await assay('run', TOY, '--store', '/proc/assay');
  assert.equal(status, 1);
  assert.match(stderr, /Cannot write to the store folder \/proc\/assay/);
});

test('a pipe or device in the place of a file is refused, not waited for', async () => {
  const pipe = (name: string): string => {
    const path = join(ROOT, name);
    execFileSync('mkfifo', [path]);
    return path;
  };
  const columns = ['--train', 'loss', '--outcome', 'bad=0.1'];
  const model = join(ROOT, 'model');
  cpSync(MODEL, model, { recursive: true });
  rmSync(join(model, 'config.json'));
  pipe('model/config.json');
  const rows = join(ROOT, 'rows.jsonl');
  writeFileSync(rows, '{"prompt": "Q:", "completion": " no"}\n'.repeat(8));
  const study = (name: string, over: object): string => {
    const set = { model: MODEL, data: rows, steps: 1, ...over };
    const words = {
      name,
      question: 'Q?',
      scope: 'a test',
      outcomes: [{ name: 'perplexity', delta: 1 }],
      factors: { method: ['lora-1', 'full'] },
    };
    writeFileSync(join(ROOT, `${name}.json`), JSON.stringify({ ...words, set, learningRates: [0.001] }));
    return join(ROOT, `${name}.json`);
  };
  const cases = [
    ['audit', pipe('table.csv'), ...columns],
    ['audit', '/dev/zero', ...columns],
    ['audit', join(ROOT, 'study.json'), '--map', pipe('map.json'), ...columns],
    ['plan', pipe('study.json')],
    ['plan', study('data', { data: pipe('data.jsonl') })],
    ['plan', study('device', { data: '/dev/zero' })],
    ['plan', study('evals', { evals: pipe('evals.jsonl') })],
    ['plan', study('model', { model })],
    ['plan', study('gguf', { model: pipe('model.gguf') })],
  ];
  for (const args of cases) {
    const running = start(args);
    const late = setTimeout(() => running.process.kill('SIGKILL'), 60_000);
    const { status, stderr } = await running.ended;
    clearTimeout(late);
    assert.equal(status, 2, `${args.join(' ')}: ${stderr}`);
    assert.match(stderr, /regular file/i, args.join(' '));
  }
});

test('counts without sense are refused with the largest that is taken', async () => {
  const refusals: readonly (readonly [string[], RegExp])[] = [
    [['--workers', '100000'], /--workers expects a whole number from 1 to 1024, found "100000"/],
    [['--seeds', '999999999'], /--seeds expects a whole number from 1 to 100000, found "999999999"/],
    [['--seeds', '0'], /--seeds expects a whole number from 1 to 100000, found "0"/],
  ];
  for (const [args, message] of refusals) {
    const { status, stderr } = await assay('plan', TOY, ...args);
    assert.equal(status, 2);
    assert.match(stderr, message);
  }
  const threads = { ...FINETUNE_DEFAULTS, model: MODEL, data: 'rows.jsonl', threads: 4096 };
  assert.throws(() => readFinetuneConfig(threads), /"threads": expected a whole number in \[1, 1024\], found 4096/);
});
