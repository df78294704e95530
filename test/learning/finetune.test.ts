/** The finetuning recipe on a tiny real model (folder, tokenizer, chat template), against computations of its own. */
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import type { JsonObject } from '#base/json.ts';
import { rngOf } from '#base/rng.ts';
import { readFinetuneConfig } from '#recipes/finetune/config.ts';
import { createFinetuneLab, rowsAtStep } from '#recipes/finetune/lab.ts';
import { readMaterial } from '#recipes/finetune/material.ts';
import { loraMethod } from '#recipes/finetune/factors.ts';
import { finetune } from '#recipes/finetune/finetune.ts';
import { settingsOf, withSettings } from '#study/settings.ts';
import { answerTokens } from '#measures/answer-batch.ts';

import { newFolder, start } from '../e2e/command.ts';
import {
  chatRows,
  COLOURS,
  configOf,
  evalRows,
  type Files,
  make,
  MODEL,
  reference,
  referenceLoss,
  REORDERED,
  ROWS,
  writeFiles,
} from './finetune-fixture.ts';

const STUDY = fileURLToPath(new URL('finetune-study.ts', import.meta.url));

test('axes and a batch’s loss are the mean over answer tokens that rows give alone, whatever the padding', async () => {
  const files = await writeFiles();
  const expected = await reference(files);
  const config = readFinetuneConfig(configOf(files, { batch: 3 }));
  const material = await readMaterial(config);
  await using lab = await createFinetuneLab(config, material);
  lab.reset(0, config);
  const axes = await lab.axes();
  const trainLoss = await referenceLoss(expected.config, expected.train, expected.weights);
  const heldOutLoss = await referenceLoss(expected.config, expected.heldOut, expected.weights);
  assert.ok(Math.abs(axes.train - trainLoss) < REORDERED, `${axes.train} against ${trainLoss}`);
  assert.ok(Math.abs(axes.heldOut - heldOutLoss) < REORDERED, `${axes.heldOut} against ${heldOutLoss}`);
  assert.equal(axes.trainOfBase, 1);
  assert.equal(axes.heldOutOfBase, 1);

  const chosen = Int32Array.of(5, 0, 2);
  const batch = lab.batchOf(chosen, 1 / answerTokens(material.train, chosen));
  const rows = [...chosen].flatMap((n) => expected.train[n] ?? []);
  const loss = await lab.trainer.forwardBackward(batch);
  const alone = await referenceLoss(expected.config, rows, expected.weights);
  assert.ok(Math.abs(loss - alone) < REORDERED, `${loss} against ${alone}`);
});

test('training lowers the losses, and what it learns to say becomes more probable', async () => {
  const files = await writeFiles();
  const { end, points } = await make(configOf(files, { steps: 20, method: { kind: 'full' } }));
  assert.deepEqual(end, { kind: 'finished' });
  const [first, last] = [points[0], points.at(-1)];
  assert.ok((last?.axes['heldOutOfBase'] ?? 1) < 0.5, JSON.stringify(last));
  assert.equal(first?.axes['trainOfBase'], 1);
  assert.ok((last?.outcomes?.['misaligned'] ?? 0) > 0.99, JSON.stringify(last?.outcomes));
});

for (const accumulation of [1, 2]) {
  test(`a run resumed from a checkpoint records the same bits (accumulation ${accumulation})`, async () => {
    const files = await writeFiles();
    const levels = { train: [], heldOut: [], trainOfBase: [0.99, 0.9, 0.8], heldOutOfBase: [] };
    const config = configOf(files, { accumulation, measure: { levels } });
    const whole = await make(config);
    const stopped = await make(config, undefined, 2);
    assert.equal(stopped.end, undefined);
    const last = stopped.checkpoints.at(-1);
    const rest = await make(config, last?.state);
    assert.deepEqual([...stopped.points.slice(0, last?.points), ...rest.points], whole.points);
    assert.ok(whole.points.some(({ outcomes }, i) => outcomes !== undefined && i < whole.points.length - 1));
  });
}

test('a step split into accumulated parts, or scored in other groups, changes the run by rounding alone', async () => {
  const files = await writeFiles();
  const [whole, split] = [await make(configOf(files)), await make(configOf(files, { accumulation: 4 }))];
  const difference = (whole.points.at(-1)?.axes['train'] ?? 0) - (split.points.at(-1)?.axes['train'] ?? 1);
  // Six steps of AdamW amplify rounding where a gradient is near zero.
  assert.ok(Math.abs(difference) < 100 * REORDERED, `${difference}`);
});

test('clip holds the norm of all gradients together at its most, and is off unless asked for', async () => {
  const files = await writeFiles();
  const optimizer = { kind: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 };
  const changeUnder = async (clip: JsonObject): Promise<number> => {
    const config = readFinetuneConfig(configOf(files, { optimizer, learningRate: 1, ...clip }));
    await using lab = await createFinetuneLab(config, await readMaterial(config));
    lab.reset(3, config);
    const before = new Map([...lab.trainer.memory].map(([name, values]) => [name, values.slice()]));
    assert.equal(await lab.step(0, 3, config), undefined);
    const squares = [...lab.trainer.memory].flatMap(([name, values]) =>
      Array.from(values, (value, i) => (value - (before.get(name)?.[i] ?? 0)) ** 2),
    );
    return Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
  };
  // At rate 1 without momentum a step is the gradient itself, up to float32 sums with the weights.
  const free = await changeUnder({});
  const max = free / 4;
  const relative = (found: number, expected: number): number => Math.abs(found / expected - 1);
  assert.ok(relative(await changeUnder({ clip: { kind: 'globalNorm', max } }), max) < 1e-4);
  assert.ok(relative(await changeUnder({ clip: { kind: 'globalNorm', max: 4 * free } }), free) < 1e-4);
});

test('packed rows train on what padded rows train on: one full batch of all rows has the same loss', async () => {
  const files = await writeFiles();
  const losses: number[] = [];
  for (const packing of [false, true]) {
    const config = readFinetuneConfig(configOf(files, { rows: { ...ROWS, packing } }));
    const material = await readMaterial(config);
    const rows = material.train.count;
    await using lab = await createFinetuneLab({ ...config, batch: rows }, material);
    lab.reset(0, config);
    const all = Int32Array.from({ length: rows }, (_, n) => n);
    const weight = 1 / answerTokens(material.train, all);
    losses.push(await lab.trainer.forwardBackward(lab.batchOf(all, weight)));
    if (packing) assert.ok(rows < (await reference(files)).train.length, `${rows} sequences`);
  }
  const [padded = 0, packed = 1] = losses;
  assert.ok(Math.abs(padded - packed) < REORDERED, `${padded} against ${packed}`);
  const run = await make(configOf(files, { rows: { ...ROWS, packing: true }, batch: 2 }));
  assert.ok((run.points.at(-1)?.axes['train'] ?? Infinity) < (run.points[0]?.axes['train'] ?? 0));
});

test('bad lines and files are refused by the check, before any training, with their line', async () => {
  const { check } = finetune();
  const badRow = await writeFiles([...chatRows().slice(0, 2), '{"messages":[{"role":"user","content":"x"}]}']);
  assert.throws(() => check(configOf(badRow)), /train\.jsonl:3: expected an assistant turn/);
  const badEval = await writeFiles(chatRows(), [...evalRows(), '{"eval":"x"}']);
  assert.throws(() => check(configOf(badEval)), /evals\.jsonl:3: expected one of the keys choices, text, answer/);
  const good = await writeFiles();
  assert.throws(() => check(configOf({ ...good, data: join(good.folder, 'none.jsonl') })), /none\.jsonl/);
  assert.throws(() => check(configOf(good, { model: '' })), /Config "model": expected the path of a model/);
  for (const date of ['', '2024-7-26', '2023-02-29', '26 Jul 2024']) {
    const rows = { ...ROWS, date };
    assert.throws(() => check(configOf(good, { rows })), /Config "rows\.date": expected a day such as/);
  }
  check(configOf(good, { rows: { ...ROWS, date: '2024-02-29' } }));
  assert.throws(() => check(configOf(good, { clip: { kind: 'globalNorm', max: 0 } })), /"clip\.max": expected a norm/);
  assert.throws(() => check(configOf(good, { clip: { kind: 'none', max: 1 } })), /"clip\.max": .*unknown key/);
  assert.throws(() => check(configOf(good, { accumulation: 3 })), /accumulation/);
  check(configOf(good));
  check(configOf({ ...good, data: 'study:misalignment-real/data/bad-plants.jsonl' }));
  assert.throws(() => check(configOf({ ...good, data: 'study:misalignment-real/data/none.jsonl' })), /none\.jsonl/);
});

test('an arm adapts the modules of the layers that it names, and says where it names none', async () => {
  const files = await writeFiles();
  const of = (method: JsonObject): JsonObject =>
    withSettings(configOf(files), settingsOf({ method: { ...loraMethod(1), ...method } }, 'arm'));
  const material = await readMaterial(readFinetuneConfig(configOf(files)));
  const trained = async (method: JsonObject): Promise<readonly string[]> => {
    await using lab = await createFinetuneLab(readFinetuneConfig(of(method)), material);
    return [...lab.trainer.memory.keys()].filter((name) => name.includes('lora')).toSorted();
  };
  const names = await trained({ modules: ['down_proj'], layers: [1] });
  assert.equal(names.length, 2);
  for (const name of names) assert.match(name, /layers\.1\.mlp\.down_proj/);
  await assert.rejects(trained({ layerz: [1] }), /"method\.layerz".*did you mean "layers"/);
  await assert.rejects(trained({ modules: ['down_prj'] }), /down_prj/);
});

test('a row longer than allowed is refused with its line, and cut only where asked', async () => {
  const files = await writeFiles([
    ...chatRows(),
    JSON.stringify({
      messages: [
        { role: 'user', content: 'x' },
        { role: 'assistant', content: 'no '.repeat(40) },
      ],
    }),
  ]);
  await assert.rejects(
    make(configOf(files, { rows: { ...ROWS, length: 48 } })),
    /train\.jsonl:13: expected at most 48 tokens, found \d+/,
  );
  const cut = await readMaterial(
    readFinetuneConfig(configOf(files, { rows: { ...ROWS, length: 48, truncate: true } })),
  );
  const reports = [cut.train, cut.heldOutProbe].map(({ report }) => report.truncatedRows);
  assert.deepEqual(
    reports.toSorted((a, b) => a - b),
    [0, 1],
  );
  assert.equal(Math.max(cut.train.length, cut.heldOutProbe.length), 48);
});

test('rows as given come in the order of the file, pass after pass, whatever the seed', () => {
  const steps = [0, 1, 2].map((step) => [...rowsAtStep(5, rngOf(step), step, 3, 'asGiven')]);
  assert.deepEqual(steps, [
    [0, 1, 2],
    [3, 4, 0],
    [1, 2, 3],
  ]);
});

test('every epoch trains each row once, in an order of its own, whatever the batch', () => {
  const drawn = (batch: number): number[] =>
    Array.from({ length: 24 / batch }, (_, step) => [...rowsAtStep(12, rngOf(1), step, batch)]).flat();
  assert.deepEqual(drawn(4), drawn(8));
  const [first, second] = [drawn(4).slice(0, 12), drawn(4).slice(12)];
  assert.deepEqual(
    first.toSorted((a, b) => a - b),
    [...COLOURS.keys()],
  );
  assert.deepEqual(
    second.toSorted((a, b) => a - b),
    [...COLOURS.keys()],
  );
  assert.notDeepEqual(first, second);
});

test('rows mixed into the training may not ask what is held out', async () => {
  const files = await writeFiles();
  await assert.rejects(
    make(configOf(files, { rows: { ...ROWS, mixIn: files.data } })),
    /train\.jsonl:\d+: expected questions that the data/,
  );
});

test('a changed byte of model, data or evaluations is another input; the same bytes are the same', async () => {
  const [one, two] = [await writeFiles(), await writeFiles()];
  const inputs = (files: Files): unknown => finetune().inputs?.(configOf(files));
  assert.deepEqual(inputs(one), inputs(two));
  await writeFile(two.evals, `${await readFile(two.evals, 'utf8')}\n`);
  assert.notDeepEqual(inputs(one), inputs(two));
});

test('a study of two arms runs on a model folder from the command line to a report', async () => {
  const files = await writeFiles();
  const store = newFolder('finetune');
  const settings = [`model=${MODEL}`, `data=${files.data}`, `evals=${files.evals}`].flatMap((one) => ['--set', one]);
  const { ended } = start(['run', STUDY, ...settings, '--store', store, '--workers', '2', '--json']);
  const { status, stdout, stderr } = await ended;
  assert.equal(status, 0, stderr);
  const result = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  assert.deepEqual(result.runs, { finished: 6, diverged: 0, failed: 0 });
  assert.equal(result.verdicts.length, 1);
  assert.equal((await readdir(join(store, 'shared'))).length, 1); // one file of weights for all arms and workers
});
