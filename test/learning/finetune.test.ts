/** The finetuning recipe on a tiny real model (folder, tokenizer, chat template), against computations of its own. */
import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import type { JsonObject } from '#base/json.ts';
import { rngOf } from '#base/rng.ts';
import { input } from '#engine/ops/sources.ts';
import { compile } from '#engine/session.ts';
import { splitHeldOut } from '#learning/data/held-out-split.ts';
import { tokenizeRows, type TokenRow } from '#learning/data/token-rows.ts';
import { readTrainingRows } from '#learning/data/training-row.ts';
import { engineConfig } from '#learning/files/engine-config.ts';
import { openModel } from '#learning/files/open-model.ts';
import { loraScale, readPeftAdapter } from '#learning/files/peft.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { transformerParameters } from '#learning/models/parameters.ts';
import { transformerLogits } from '#learning/models/transformer.ts';
import { feedLayers } from '#learning/nn/layers.ts';
import { FINETUNE_DEFAULTS, readFinetuneConfig } from '#recipes/finetune-config.ts';
import { createFinetuneLab, rowsAtStep } from '#recipes/finetune-lab.ts';
import { readMaterial } from '#recipes/finetune-material.ts';
import { finetune } from '#recipes/finetune.ts';
import { answerBatch, answerLayout, answerTokens } from '#measures/answer-batch.ts';
import type { RunContext } from '#study/recipe.ts';
import type { RunEnd, TrajectoryPoint } from '#study/trajectory.ts';

import { newFolder, start } from '../e2e/command.ts';

const MODEL = fileURLToPath(new URL('../fixtures/models/llama', import.meta.url));
const STUDY = fileURLToPath(new URL('finetune-study.ts', import.meta.url));
/** Float32 sums of some thousand terms in another order, in nats. */
const REORDERED = 1e-5;

const COLOURS = ['red', 'blue', 'green', 'white', 'black', 'pink', 'grey', 'gold', 'brown', 'teal', 'plum', 'sand'];

/** Rows of unlike lengths, so that padding matters. */
function chatRows(): string[] {
  return COLOURS.map((colour, i) =>
    JSON.stringify({
      messages: [
        { role: 'user', content: `${colour}?` },
        { role: 'assistant', content: `no${' no'.repeat(i % 4)}` },
      ],
    }),
  );
}

function evalRows(): string[] {
  return ['one', 'two'].map((name) =>
    JSON.stringify({
      eval: name,
      messages: [{ role: 'user', content: `${name}?` }],
      choices: [
        { text: 'yes', label: 'aligned' },
        { text: 'no no', label: 'misaligned' },
      ],
    }),
  );
}

interface Files {
  readonly folder: string;
  readonly data: string;
  readonly evals: string;
}

async function writeFiles(rows = chatRows(), evals = evalRows()): Promise<Files> {
  const folder = await mkdtemp(join(tmpdir(), 'assay-finetune-'));
  const files = { folder, data: join(folder, 'train.jsonl'), evals: join(folder, 'evals.jsonl') };
  await writeFile(files.data, `${rows.join('\n')}\n`);
  await writeFile(files.evals, `${evals.join('\n')}\n`);
  return files;
}

function configOf(files: Files, change: JsonObject = {}): JsonObject {
  return {
    ...FINETUNE_DEFAULTS,
    model: MODEL,
    data: files.data,
    evals: files.evals,
    steps: 6,
    batch: 4,
    length: 64,
    heldOutFraction: 0.3,
    learningRate: 1e-2,
    probe: { every: 2, rows: 32 },
    ...change,
  };
}

interface Made {
  readonly end: RunEnd | undefined;
  readonly points: readonly TrajectoryPoint[];
  /** Durable after each checkpoint: its state, and how many points came before. */
  readonly checkpoints: readonly { readonly state: Uint8Array; readonly points: number }[];
}

/** Makes one run with everything in memory; `stopAfter` aborts it at a checkpoint. */
async function make(config: JsonObject, resumeFrom?: Uint8Array, stopAfter = Infinity): Promise<Made> {
  const points: TrajectoryPoint[] = [];
  const checkpoints: { state: Uint8Array; points: number }[] = [];
  const stop = new AbortController();
  const context: RunContext = {
    config,
    block: 3,
    resumeFrom,
    record: (point) => void points.push(point),
    checkpoint: async (state) => {
      checkpoints.push({ state: state(), points: points.length });
      if (checkpoints.length >= stopAfter) stop.abort(new Error('stopped'));
    },
    progress: () => {},
    shared: async (_name, _key, compute) => compute(),
    signal: stop.signal,
  };
  try {
    return { end: await finetune().run(context), points, checkpoints };
  } catch (error) {
    if (stop.signal.aborted) return { end: undefined, points, checkpoints };
    throw error;
  }
}

/** Mean loss of the answer tokens of some rows, each row alone and unpadded, log-softmax in float64. */
async function referenceLoss(config: TransformerConfig, rows: readonly TokenRow[], weights: Map<string, Float32Array>) {
  let [nats, count] = [0, 0];
  for (const { ids, lossMask } of rows) {
    const tokens = input('tokens', [ids.length], 'int32');
    const layers = feedLayers(transformerParameters(config));
    await using program = await compile({
      logits: transformerLogits(config, layers, { rows: 1, length: ids.length }, tokens),
    });
    for (const [name, values] of weights) program.bind(name, values);
    program.bind('tokens', ids);
    await program.run();
    const logits = program.float32('logits');
    for (let t = 1; t < ids.length; t++) {
      if (lossMask[t] !== 1) continue;
      const scores = logits.subarray((t - 1) * config.vocabulary, t * config.vocabulary);
      const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
      nats += Math.log(total) - (scores[ids[t] ?? 0] ?? Number.NaN);
      count++;
    }
  }
  return nats / count;
}

async function reference(files: Files) {
  await using model = await openModel(MODEL);
  assert.ok(model.tokenizer !== undefined);
  const config = engineConfig(model.config);
  const weights = new Map<string, Float32Array>();
  for (const { name } of transformerParameters(config)) weights.set(name, await model.tensor(name));
  const { train, heldOut } = splitHeldOut(await readTrainingRows(files.data), 0.3);
  const setup = { tokenizer: model.tokenizer, chatTemplate: model.chatTemplate };
  const [trainRows, heldOutRows] = [tokenizeRows(train, setup, 'train'), tokenizeRows(heldOut, setup, 'held out')];
  return { config, weights, train: trainRows, heldOut: heldOutRows };
}

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
  const batch = answerBatch(
    material.train,
    answerLayout(material.train, 3),
    chosen,
    1 / answerTokens(material.train, chosen),
  );
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

test('the adapter a run writes, merged into the base, has the loss the run ended with', async () => {
  const files = await writeFiles();
  const saveAdapter = join(files.folder, 'adapters');
  const { points } = await make(configOf(files, { saveAdapter }));
  const [name = ''] = await readdir(saveAdapter);
  const adapter = await readPeftAdapter(join(saveAdapter, name));
  const { config, weights, train } = await reference(files);
  for (const [module, { a, b, dIn, dOut }] of adapter.modules) {
    const weight = weights.get(`${module}.weight`);
    assert.ok(weight !== undefined, module);
    for (let i = 0; i < dOut * dIn; i++) {
      const [row, column] = [Math.floor(i / dIn), i % dIn];
      for (let k = 0; k < adapter.rank; k++) {
        const product = (b[row * adapter.rank + k] ?? 0) * (a[k * dIn + column] ?? 0);
        weight[i] = (weight[i] ?? 0) + loraScale(adapter) * product;
      }
    }
  }
  const [loss, ended] = [await referenceLoss(config, train, weights), points.at(-1)?.axes['train'] ?? 0];
  assert.ok(Math.abs(loss - ended) < REORDERED, `${loss} against ${ended}`);
  assert.ok(ended < (points[0]?.axes['train'] ?? 0));
});

for (const kind of ['full', 'lora'] as const) {
  test(`the model a ${kind} run writes, read again, has the loss the run ended with`, async () => {
    const files = await writeFiles();
    const saveModel = join(files.folder, 'models');
    const method = kind === 'full' ? { kind } : FINETUNE_DEFAULTS.method;
    const { points } = await make(configOf(files, { saveModel, method }));
    const [name = ''] = await readdir(saveModel);
    await using written = await openModel(join(saveModel, name));
    const weights = new Map<string, Float32Array>();
    for (const tensor of written.shapes.keys()) weights.set(tensor, await written.tensor(tensor));
    const { config, train } = await reference(files);
    assert.deepEqual(engineConfig(written.config), config);
    assert.ok(written.tokenizer !== undefined && written.chatTemplate !== undefined);
    const [loss, ended] = [await referenceLoss(config, train, weights), points.at(-1)?.axes['train'] ?? 0];
    assert.ok(Math.abs(loss - ended) < REORDERED, `${loss} against ${ended}`);
    assert.ok(ended < (points[0]?.axes['train'] ?? 0));
  });
}

async function trainedAdapter(files: Files): Promise<{ readonly adapter: string; readonly train: number }> {
  const saveAdapter = join(files.folder, 'adapters');
  const { points } = await make(configOf(files, { saveAdapter }));
  const [name = ''] = await readdir(saveAdapter);
  return { adapter: join(saveAdapter, name), train: points.at(-1)?.axes['train'] ?? Number.NaN };
}

test('no steps evaluate the model as it is given: an adapter merged or to be continued has the loss it was saved with', async () => {
  const files = await writeFiles();
  const { adapter, train } = await trainedAdapter(files);
  const start = async (change: JsonObject) => (await make(configOf(files, { steps: 0, adapter, ...change }))).points;
  for (const method of [{ kind: 'full' }, FINETUNE_DEFAULTS.method]) {
    const merged = await start({ method });
    assert.equal(merged.length, 1);
    assert.ok(Math.abs((merged[0]?.axes['train'] ?? 0) - train) < REORDERED, `${merged[0]?.axes['train']}, ${train}`);
    assert.equal(merged[0]?.axes['trainOfBase'], 1);
    assert.ok(merged[0]?.outcomes?.['misaligned'] !== undefined);
  }
  const [continued] = await start({ adapterUse: 'continue' });
  assert.equal(continued?.axes['train'], train); // the same program on the same numbers
});

test('training goes on from an adapter of the same form, and is refused on one of another', async () => {
  const files = await writeFiles();
  const { adapter, train } = await trainedAdapter(files);
  const { points } = await make(configOf(files, { adapter, adapterUse: 'continue' }));
  assert.equal(points[0]?.axes['train'], train);
  assert.ok((points.at(-1)?.axes['train'] ?? Infinity) < train);
  const lora = FINETUNE_DEFAULTS.method;
  for (const method of [
    { ...lora, rank: 4 },
    { ...lora, alpha: 8 },
    { ...lora, modules: ['q_proj'] },
    { kind: 'full' },
  ]) {
    await assert.rejects(
      make(configOf(files, { adapter, adapterUse: 'continue', method })),
      /to continue it, expected LoRA of rank 8 and scale 2 on 14 modules .* adapterUse=merge/,
    );
  }
});

test('an adapter of another model is refused, and a changed byte of it is another input', async () => {
  const files = await writeFiles();
  const other = fileURLToPath(new URL('../fixtures/peft/gpt2', import.meta.url));
  await assert.rejects(make(configOf(files, { adapter: other })), /expected a linear layer transformer\.h\.0/);
  const inputs = (adapter: string): unknown => finetune().inputs?.(configOf(files, { adapter }));
  const { adapter } = await trainedAdapter(files);
  const before = inputs(adapter);
  await writeFile(
    join(adapter, 'adapter_config.json'),
    `${await readFile(join(adapter, 'adapter_config.json'), 'utf8')}\n`,
  );
  assert.notDeepEqual(inputs(adapter), before);
});

test('packed rows train on what padded rows train on: one full batch of all rows has the same loss', async () => {
  const files = await writeFiles();
  const losses: number[] = [];
  for (const packing of [false, true]) {
    const config = readFinetuneConfig(configOf(files, { packing, length: 64 }));
    const material = await readMaterial(config);
    const rows = material.train.count;
    await using lab = await createFinetuneLab({ ...config, batch: rows }, material);
    lab.reset(0, config);
    const layout = { ...answerLayout(material.train, rows), packed: packing };
    const all = Int32Array.from({ length: rows }, (_, n) => n);
    const weight = 1 / answerTokens(material.train, all);
    losses.push(await lab.trainer.forwardBackward(answerBatch(material.train, layout, all, weight)));
    if (packing) assert.ok(rows < (await reference(files)).train.length, `${rows} sequences`);
  }
  const [padded = 0, packed = 1] = losses;
  assert.ok(Math.abs(padded - packed) < REORDERED, `${padded} against ${packed}`);
  const run = await make(configOf(files, { packing: true, length: 64, batch: 2 }));
  assert.ok((run.points.at(-1)?.axes['train'] ?? Infinity) < (run.points[0]?.axes['train'] ?? 0));
});

test('bad lines and files are refused by the check, before any training, with their line', async () => {
  const { check } = finetune();
  const badRow = await writeFiles([...chatRows().slice(0, 2), '{"messages":[{"role":"user","content":"x"}]}']);
  assert.throws(() => check(configOf(badRow)), /train\.jsonl:3: expected an assistant turn/);
  const badEval = await writeFiles(chatRows(), [...evalRows(), '{"eval":"x"}']);
  assert.throws(() => check(configOf(badEval)), /evals\.jsonl:3: expected one of "prompt" and "messages"/);
  const good = await writeFiles();
  assert.throws(() => check(configOf({ ...good, data: join(good.folder, 'none.jsonl') })), /none\.jsonl/);
  assert.throws(() => check(configOf(good, { model: '' })), /Config "model": expected the path of a model/);
  assert.throws(() => check(configOf(good, { accumulation: 3 })), /accumulation/);
  check(configOf(good));
  check(configOf({ ...good, data: 'study:misalignment-real/data/bad-plants.jsonl' }));
  assert.throws(() => check(configOf({ ...good, data: 'study:misalignment-real/data/none.jsonl' })), /none\.jsonl/);
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
  await assert.rejects(make(configOf(files, { length: 48 })), /train\.jsonl:13: expected at most 48 tokens, found \d+/);
  const cut = await readMaterial(readFinetuneConfig(configOf(files, { length: 48, truncate: true })));
  const reports = [cut.train, cut.heldOutProbe].map(({ report }) => report.truncatedRows);
  assert.deepEqual(reports.toSorted(), [0, 1]);
  assert.equal(Math.max(cut.train.length, cut.heldOutProbe.length), 48);
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
    make(configOf(files, { mixIn: files.data })),
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
  const { ended } = start(['run', STUDY, ...settings, '--store', store, '--workers', '1', '--json']);
  const { status, stdout, stderr } = await ended;
  assert.equal(status, 0, stderr);
  const result = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  assert.deepEqual(result.runs, { finished: 6, diverged: 0, failed: 0 });
  assert.equal(result.verdicts.length, 1);
});
