/** Every family of models, random over the fields of its config: from files to numbers and back, against transformers. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { isJsonObject, type Json, type JsonObject } from '#base/json.ts';
import { rngOf } from '#base/rng.ts';
import { input } from '#engine/ops/sources.ts';
import { compile } from '#engine/session.ts';
import { sizeOf } from '#engine/tensor.ts';
import { writeHuggingFace } from '#learning/files/hugging-face/hugging-face-write.ts';
import type { ModelFiles } from '#learning/files/model-files.ts';
import { openModel } from '#learning/files/open-model.ts';
import { readPeftAdapter } from '#learning/files/hugging-face/peft.ts';
import { type TensorToWrite, writeSafetensors } from '#learning/files/tensors/safetensors-write.ts';
import { applyMethod, type Method } from '#learning/method.ts';
import { transformerLogits } from '#learning/models/transformer.ts';
import { feedLayers } from '#learning/nn/layers.ts';
import { transformerParameters } from '#learning/models/parameters.ts';
import { checkContinues, startingWeights, writeTrainedAdapter } from '#recipes/finetune/adapter.ts';
import { createTrainer, type Trainer } from '#learning/train.ts';

import { tensorsOf } from './altered-files.ts';
import { FAMILY_MODELS, familyFolder, valuesOf } from './family-folders.ts';
import { assertLogits } from './last-logits.ts';

/** Of a norm: float32 through three layers, where transformers sums in another order (logits) or in float64 (gradients). */
const LOGITS_TOLERANCE = 1e-5;
const GRADIENT_TOLERANCE = 3e-4;
/** Under which a gradient is rounding: a key's bias changes nothing where keys are not turned. */
const GRADIENT_FLOOR = 1e-6;
const LOSS_TOLERANCE = 1e-5;
/** SGD spreads float32's rounding; PyTorch's own float32 and float64 differ by as much. */
const TRAJECTORY_TOLERANCE = 1e-4;

const LORA: Extract<Method, { kind: 'lora' }> = {
  kind: 'lora',
  rank: FAMILY_MODELS.rank,
  alpha: FAMILY_MODELS.alpha,
  scaling: 'alphaOverRank',
  modules: 'all',
};
const SGD = { kind: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 } as const;

/** The losses of LoRA on every matrix of every expert, by model (expert-lora.py). */
const EXPERT_LORA = JSON.parse(
  await readFile(join(import.meta.dirname, '../reference/expert-lora.json'), 'utf8'),
) as Readonly<Record<string, readonly number[]>>;

for (const [name, losses] of Object.entries(EXPERT_LORA)) {
  test(`${name}: the losses of LoRA training on experts are those of transformers`, async () => {
    const [family = '', index = 0] = name.split('-');
    const [isMixtral, expected] = [family === 'mixtral', FAMILY_MODELS.families[family]?.[Number(index)]];
    assert.ok(expected !== undefined);
    await using files = await openModel(await familyFolder(expected));
    const modules = isMixtral ? ['w1', 'w2', 'w3'] : ['gate_proj', 'up_proj', 'down_proj'];
    await using adapted = await trainerOf(files, { ...LORA, modules });
    for (const loss of losses) {
      assertLoss(await adapted.forwardBackward(batch()), loss, TRAJECTORY_TOLERANCE);
      adapted.optimStep(FAMILY_MODELS.rate);
    }
  });

  test(`${name}: an adapter of experts is written, merged and continued as it was trained`, async () => {
    const [family = '', index = 0] = name.split('-');
    const expected = FAMILY_MODELS.families[family]?.[Number(index)];
    assert.ok(expected !== undefined);
    await using files = await openModel(await familyFolder(expected));
    const modules = family === 'mixtral' ? ['w1', 'w2', 'w3'] : ['gate_proj', 'up_proj', 'down_proj'];
    const method = { ...LORA, modules };
    const [first = 0] = losses;
    const folder = await mkdtemp(join(tmpdir(), 'assay-experts-'));
    const memory = new Map(
      applyMethod(method, files.config).trained.map((one) => [one.name, factor(one.name, sizeOf(one.shape))]),
    );
    await writeTrainedAdapter(folder, method, files.config, memory, family);
    await checkContinues(folder, method, files.config);
    await assert.rejects(() => checkContinues(folder, LORA, files.config), /to continue it, expected LoRA of rank 2/);
    const merged = await startingWeights(files, folder, 'merge');
    await using whole = await trainerOf(
      { ...files, tensor: async (one) => new Float32Array(await merged.tensor(one)) },
      { kind: 'full' },
    );
    assertLoss(await whole.forwardBackward(batch()), first, TRAJECTORY_TOLERANCE);
    assert.deepEqual(new Map((await startingWeights(files, folder, 'continue')).factors), memory);
  });

  test(`${name}: LoRA on all modules leaves experts and routers as they are`, async () => {
    const [family = '', index = 0] = name.split('-');
    const expected = FAMILY_MODELS.families[family]?.[Number(index)];
    assert.ok(expected !== undefined);
    await using files = await openModel(await familyFolder(expected));
    const trained = applyMethod(LORA, files.config).trained.map((parameter) => parameter.name);
    assert.equal(trained.length, files.config.nLayers * 4 * 2);
    assert.ok(trained.every((parameter) => parameter.includes('.self_attn.')));
  });
}

/** Adapters of stacked experts as PEFT saves them, and the loss of their models with them (stacked-lora.py). */
const { source: _, ...STACKED_LORA } = JSON.parse(
  await readFile(join(import.meta.dirname, '../reference/stacked-lora.json'), 'utf8'),
) as Readonly<Record<string, StackedAdapter>>;

interface StackedAdapter {
  readonly config: JsonObject;
  readonly tensors: Readonly<Record<string, readonly number[]>>;
  readonly loss: number;
}

/** A new folder of the adapter. @param changed What becomes of its config. */
async function stackedAdapter({ config, tensors }: StackedAdapter, changed: JsonObject = {}): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'assay-stacked-'));
  await writeFile(join(folder, 'adapter_config.json'), JSON.stringify({ ...config, ...changed }));
  const stored = Object.entries(tensors).map(([name, shape]): TensorToWrite => ({
    name,
    dtype: 'F32',
    shape,
    values: valuesOf(name, shape),
  }));
  await writeSafetensors(join(folder, 'adapter_model.safetensors'), stored, { format: 'pt' });
  return folder;
}

async function baseOf(name: string): Promise<ModelFiles> {
  const [, family = '', index = 0] = /^(\w+)-(\d)/.exec(name) ?? [];
  const model = FAMILY_MODELS.families[family]?.[Number(index)];
  assert.ok(model !== undefined, name);
  return openModel(await familyFolder(model));
}

for (const [name, adapter] of Object.entries(STACKED_LORA)) {
  test(`${name}: an adapter of stacked experts that PEFT saved is merged as PEFT applies it, and not continued`, async () => {
    await using files = await baseOf(name);
    const folder = await stackedAdapter(adapter);
    const merged = await startingWeights(files, folder, 'merge');
    const tensor = async (one: string): Promise<Float32Array<ArrayBuffer>> =>
      new Float32Array(await merged.tensor(one));
    await using whole = await trainerOf({ ...files, tensor }, { kind: 'full' });
    assertLoss(await whole.forwardBackward(batch()), adapter.loss, TRAJECTORY_TOLERANCE);
    await assert.rejects(
      () => checkContinues(folder, LORA, files.config),
      /factors of stacked experts.*adapter.use=merge/,
    );
  });
}

const STACKS_REFUSED: readonly (readonly [change: JsonObject, message: RegExp])[] = [
  [{ target_parameters: ['mlp.gate.weight'] }, /target_parameters to be a list of gate_up_proj and down_proj/],
  [{ target_parameters: 'experts.down_proj' }, /target_parameters to be a list/],
  [
    { target_parameters: ['mlp.experts.down_proj'] },
    /to choose stacks of experts that the model has, found factors of .*experts/,
  ],
  [{ target_parameters: null }, /to choose stacks of experts/],
  [{ r: 4, lora_alpha: 2 }, /expected rank 4 for each of \d experts, found .* of rank \d+ in all/],
  [{ rank_pattern: { '.*\\.gate_up_proj': 4 } }, /alpha_pattern to be such that the scale of every module is 0\.5/],
  [{ rank_pattern: { q_proj: 4 } }, /rank_pattern to be off/],
];

for (const [change, message] of STACKS_REFUSED) {
  test(`an adapter of stacked experts that says ${JSON.stringify(change)} is refused, naming what is wrong`, async () => {
    const name = 'mixtral-0 both';
    const adapter = STACKED_LORA[name];
    assert.ok(adapter !== undefined);
    await using files = await baseOf(name);
    const folder = await stackedAdapter(adapter, change);
    await assert.rejects(() => startingWeights(files, folder, 'merge'), message);
  });
}

test('an adapter of stacked experts is refused on a model that has none, and where its model is not known', async () => {
  const adapter = STACKED_LORA['mixtral-0 both'];
  assert.ok(adapter !== undefined);
  const folder = await stackedAdapter(adapter);
  await using dense = await baseOf('mistral-0');
  await assert.rejects(() => startingWeights(dense, folder, 'merge'), /to choose stacks of experts that the model has/);
  await assert.rejects(
    () => readPeftAdapter(folder),
    /target_parameters to be off \(factors of stacked experts are read/,
  );
});

for (const [family, cases] of Object.entries(FAMILY_MODELS.families)) {
  for (const [index, expected] of cases.entries()) {
    const name = `${family} ${index}`;

    test(`${name}: logits, loss and the gradient of every parameter are those of transformers`, async () => {
      await using files = await openModel(await familyFolder(expected));
      const logits = await allLogits(files);
      const [first = []] = FAMILY_MODELS.tokens;
      const end = first.length * expected.last.length;
      assertLogits(logits.subarray(end - expected.last.length, end), expected.last);
      assertProjections('logits', logits, expected.logits, LOGITS_TOLERANCE, 0);
      await using trainer = await trainerOf(files, { kind: 'full' });
      assertLoss(await trainer.forwardBackward(batch()), expected.loss, LOSS_TOLERANCE);
      assert.deepEqual(
        trainer.model.trained.map((parameter) => parameter.name).toSorted(),
        Object.keys(expected.tensors).toSorted(),
      );
      for (const [parameter, [, projections]] of Object.entries(expected.tensors)) {
        const gradient = trainer.gradients.get(parameter) ?? new Float32Array();
        assertProjections(parameter, gradient, projections, GRADIENT_TOLERANCE, GRADIENT_FLOOR);
      }
    });

    test(`${name}: greedy replies and the losses of LoRA training are those of transformers`, async () => {
      await using files = await openModel(await familyFolder(expected));
      await using whole = await trainerOf(files, { kind: 'full' });
      const [length = 0] = expected.replies.map((reply) => reply.length);
      const replies = await whole.generator({ rows: 2, contextLength: 32 }).generate(
        FAMILY_MODELS.prompts.map((tokens) => ({ name: tokens.join(), tokens: Int32Array.from(tokens) })),
        { maxTokens: length, temperature: 0, topP: 1, samples: 1, stopTokens: new Set(), rng: rngOf(1) },
      );
      assert.deepEqual(
        replies.map(([reply]) => reply?.tokens),
        expected.replies,
      );
      await using adapted = await trainerOf(files, LORA);
      for (const loss of expected.lora) {
        assertLoss(await adapted.forwardBackward(batch()), loss, TRAJECTORY_TOLERANCE);
        adapted.optimStep(FAMILY_MODELS.rate);
      }
    });

    if (Object.keys(expected.tensors).every((tensor) => !/^(?:lm_head|embed_out)\./.test(tensor))) {
      test(`${name}: its base model saved alone, whose names lack their first part, is the same model`, async () => {
        await using files = await openModel(await familyFolder(expected));
        const alone = await familyFolder(expected, (tensors) =>
          tensors.map((tensor) => ({ ...tensor, name: tensor.name.slice(tensor.name.indexOf('.') + 1) })),
        );
        await using base = await openModel(alone);
        assert.deepEqual(base.config, files.config);
        for (const tensor of files.shapes.keys()) {
          assert.deepEqual(await base.tensor(tensor), await files.tensor(tensor), tensor);
        }
      });
    }

    test(`${name}: what is written is what was read`, async () => {
      const from = await familyFolder(expected);
      await using files = await openModel(from);
      const weights = new Map<string, Float32Array>();
      for (const parameter of files.shapes.keys()) weights.set(parameter, await files.tensor(parameter));
      const to = join(await mkdtemp(join(tmpdir(), 'assay-written-')), 'model');
      await writeHuggingFace(to, files, (parameter) => weights.get(parameter) ?? new Float32Array());
      assert.deepEqual(await storedIn(to), await storedIn(from));
      const text = await readFile(join(to, 'config.json'), 'utf8');
      const config: JsonObject = JSON.parse(text);
      assert.doesNotMatch(text, /(?:softcapping|router_\w+)": \d+,?$/m, 'transformers 5 takes these as floats alone');
      for (const [key, value] of Object.entries(expected.config)) {
        const tied = { tie_word_embeddings: files.config.tied }; // said inside too
        const written = key === 'text_config' && isJsonObject(value) ? { ...value, ...tied } : value;
        if (key !== 'dtype') assert.deepEqual<Json | undefined>(config[key], written, key);
      }
    });
  }
}

async function trainerOf(files: ModelFiles, method: Method): Promise<Trainer> {
  const [first = []] = FAMILY_MODELS.tokens;
  const labelled = Int32Array.from(FAMILY_MODELS.labels.flat().flatMap((label, i) => (label < 0 ? [] : [i])));
  const layout = { rows: FAMILY_MODELS.tokens.length, length: first.length, labelled };
  const trainer = await createTrainer({ model: files.config, method, optimizer: SGD, batch: layout });
  const weights = new Map<string, Float32Array>();
  for (const name of files.shapes.keys()) weights.set(name, await files.tensor(name));
  for (const { name, shape } of trainer.model.trained) {
    if (!weights.has(name)) weights.set(name, factor(name, (shape[0] ?? 0) * (shape[1] ?? 0)));
  }
  trainer.reset(weights, rngOf(0));
  return trainer;
}

function factor(name: string, length: number): Float32Array {
  const isA = name.includes('lora_A');
  return Float32Array.from({ length }, (_, i) => 0.2 * (isA ? Math.sin(1.3 * (i + 1)) : Math.cos(0.7 * (i + 1))));
}

function batch(): Parameters<Trainer['forwardBackward']>[0] {
  const labels = FAMILY_MODELS.labels.flat().filter((label) => label >= 0);
  const weights = new Float32Array(labels.length).fill(1 / labels.length);
  return { tokens: Int32Array.from(FAMILY_MODELS.tokens.flat()), labels: Int32Array.from(labels), weights };
}

/** Logits of every token, [B T, V]. */
async function allLogits(files: ModelFiles): Promise<Float32Array> {
  const { config } = files;
  const specs = transformerParameters(config);
  const [rows, length] = [FAMILY_MODELS.tokens.length, FAMILY_MODELS.tokens[0]?.length ?? 0];
  const tokens = input('tokens', [rows * length], 'int32');
  await using program = await compile({
    logits: transformerLogits(config, feedLayers(specs), { rows, length }, tokens),
  });
  program.bind('tokens', Int32Array.from(FAMILY_MODELS.tokens.flat()));
  for (const { name } of specs) program.bind(name, await files.tensor(name));
  await program.run();
  return program.float32('logits').slice();
}

/** The norm, then sums over i of x_i cos((i + 1)(k + 1) phi), each within a share of the norm. */
function assertProjections(
  name: string,
  found: Float32Array,
  expected: readonly number[],
  tolerance: number,
  floor: number,
): void {
  const [norm = Number.NaN] = expected;
  for (const [k, theirs] of expected.entries()) {
    const sum = found.reduce((so, x, i) => so + x * (k === 0 ? x : Math.cos((i + 1) * k * FAMILY_MODELS.phi)), 0);
    const ours = k === 0 ? Math.sqrt(sum) : sum;
    assert.ok(
      Math.abs(ours - theirs) <= tolerance * norm + floor,
      `${name}, ${k}: ${ours}, expected ${theirs} of ${norm}`,
    );
  }
}

function assertLoss(found: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(found - expected) <= tolerance * expected, `loss ${found}, expected ${expected}`);
}

const MASK = (name: string, value = 1): TensorToWrite => ({
  name,
  dtype: 'F32',
  shape: [1, 1, 64, 64],
  values: Float32Array.from({ length: 64 * 64 }, (_, i) => (i % 64 <= Math.floor(i / 64) ? value : 0)),
});

test('a GPT-NeoX folder with saved masks and without the prefix of its names, as Pythia is stored, is the same model', async () => {
  const [model] = FAMILY_MODELS.families['gpt_neox'] ?? [];
  assert.ok(model !== undefined);
  const bare = ({ name, ...rest }: TensorToWrite): TensorToWrite => ({ ...rest, name: name.replace('gpt_neox.', '') });
  const attention = 'layers.1.attention';
  const low: TensorToWrite = {
    name: `${attention}.masked_bias`,
    dtype: 'F32',
    shape: [],
    values: Float32Array.of(-1e9),
  };
  const folder = await familyFolder(model, (tensors) => [...tensors.map(bare), MASK(`${attention}.bias`), low]);
  await using files = await openModel(folder);
  assertProjections('logits', await allLogits(files), model.logits, LOGITS_TOLERANCE, 0);
  const sees = await familyFolder(model, (tensors) => [...tensors, MASK(`gpt_neox.${attention}.bias`, 0)]);
  await assert.rejects(() => openModel(sees), /attention\.bias to hold a causal mask/);
});

test('an Apertus folder without the constants of its activation is the same model, and one with others is refused', async () => {
  const [model] = FAMILY_MODELS.families['apertus'] ?? [];
  assert.ok(model !== undefined);
  const isConstant = ({ name }: TensorToWrite): boolean => /act_fn\.(?:beta|eps)$/.test(name);
  const bare = await familyFolder(model, (tensors) => tensors.filter((tensor) => !isConstant(tensor)));
  await using files = await openModel(bare);
  assertProjections('logits', await allLogits(files), model.logits, LOGITS_TOLERANCE, 0);
  const other = await familyFolder(model, (tensors) =>
    tensors.map((tensor): TensorToWrite => {
      const { name, shape } = tensor;
      return isConstant(tensor) ? { name, shape, dtype: 'F32', values: Float32Array.of(0.7) } : tensor;
    }),
  );
  await assert.rejects(() => openModel(other), /act_fn\.beta to hold 0\.5/);
});

/** The tensors of a folder by name. */
async function storedIn(folder: string): Promise<ReadonlyMap<string, TensorToWrite>> {
  const tensors = await tensorsOf(join(folder, 'model.safetensors'));
  return new Map(tensors.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map((stored) => [stored.name, stored]));
}
