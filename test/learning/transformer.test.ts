/** The transformer against Hugging Face transformers: logits, loss and every gradient of tiny models, with and without LoRA. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { differentiate } from '#engine/differentiate.ts';
import { crossEntropy, weightedSum } from '#engine/ops/network.ts';
import { input } from '#engine/ops/sources.ts';
import { compile } from '#engine/session.ts';
import { adaptedModules, loraParameters, withLora, type LoraConfig } from '#learning/lora.ts';
import { gpt2Config, type TransformerConfig } from '#learning/models/config.ts';
import { linearModules, transformerParameters } from '#learning/models/parameters.ts';
import { transformerLogits } from '#learning/models/transformer.ts';
import { feedLayers } from '#learning/nn/layers.ts';

/** float32 through two layers; the reference is float64 (its own norms float32, good to 8e-7). */
const TOLERANCE = 5e-6;

interface Stored {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface Reference {
  readonly tokens: Stored;
  readonly labels: Stored;
  readonly parameters: Readonly<Record<string, Stored>>;
  readonly logits: Stored;
  readonly loss: number;
  readonly gradients: Readonly<Record<string, Stored>>;
  readonly lora: {
    readonly rank: number;
    readonly alpha: number;
    readonly parameters: Readonly<Record<string, Stored>>;
    readonly logits: Stored;
    readonly loss: number;
    readonly gradients: Readonly<Record<string, Stored>>;
  };
}

const MODELS: Readonly<Record<string, TransformerConfig>> = {
  gpt2: gpt2Config({ vocabulary: 11, dModel: 16, nLayers: 2, nHeads: 2, length: 8 }),
  llama: {
    family: 'llama',
    vocabulary: 11,
    dModel: 16,
    nLayers: 2,
    nHeads: 4,
    nKvHeads: 2,
    headDim: 4,
    dMlp: 24,
    norm: { kind: 'rmsNorm', epsilon: 1e-5 },
    activation: 'silu',
    mlp: 'gated',
    positions: { kind: 'rotary', theta: 10000 },
    biases: { qkv: false, attentionOut: false, mlp: false },
    qkNorm: false,
    tied: false,
    initialStd: 0.02,
  },
};

for (const [name, config] of Object.entries(MODELS)) {
  const reference = load(name);

  test(`${name}: logits, loss and the gradient of every parameter are those of transformers`, async () => {
    await compare(config, reference, reference.parameters, reference, undefined);
  });

  test(`${name} with LoRA on every linear: logits, loss and the adapter's gradients are those of transformers`, async () => {
    const { rank, alpha } = reference.lora;
    const lora: LoraConfig = { rank, alpha, scaling: 'alphaOverRank', modules: 'all' };
    const parameters = { ...reference.parameters, ...reference.lora.parameters };
    await compare(config, reference, parameters, reference.lora, lora);
  });
}

async function compare(
  config: TransformerConfig,
  batch: Pick<Reference, 'tokens' | 'labels'>,
  parameters: Readonly<Record<string, Stored>>,
  expected: Pick<Reference, 'logits' | 'loss' | 'gradients'>,
  lora: LoraConfig | undefined,
): Promise<void> {
  const [rows = 0, length = 0] = batch.tokens.shape;
  const specs = transformerParameters(config);
  const adapters = lora === undefined ? [] : loraParameters(lora, adaptedModules(lora, linearModules(config)), specs);
  const base = feedLayers(specs);
  const layers = lora === undefined ? base : withLora(base, lora, adapters);
  const trained = lora === undefined ? specs : adapters;

  const count = rows * length;
  const tokens = input('tokens', [count], 'int32');
  const logits = transformerLogits(config, layers, { rows, length }, tokens);
  const losses = crossEntropy(logits, input('labels', [count], 'int32'));
  const loss = weightedSum(losses, input('weights', [count]));
  const gradients = differentiate(
    loss,
    trained.map(({ name }) => layers.parameter(name)),
  );
  const outputs = Object.fromEntries(trained.map(({ name }, i) => [`grad ${name}`, gradients[i] ?? loss]));
  await using program = await compile({ logits, loss, ...outputs });

  const labelled = batch.labels.data.filter((label) => label >= 0).length;
  program.bind('tokens', Int32Array.from(batch.tokens.data));
  program.bind(
    'labels',
    Int32Array.from(batch.labels.data, (label) => Math.max(label, 0)),
  );
  program.bind(
    'weights',
    Float32Array.from(batch.labels.data, (label) => (label < 0 ? 0 : 1 / labelled)),
  );
  for (const { name, shape } of [...specs, ...adapters]) program.bind(name, oriented(config, name, shape, parameters));
  await program.run();

  assertClose(program.float32('logits'), expected.logits.data, 'logits');
  assertClose(program.float32('loss'), [expected.loss], 'loss');
  for (const { name, shape } of trained) {
    assertClose(
      program.float32(`grad ${name}`),
      oriented(config, name, shape, expected.gradients),
      `gradient of ${name}`,
    );
  }
}

/** A stored tensor as [dOut, dIn]: GPT-2's Conv1D weights are stored transposed. */
function oriented(
  config: TransformerConfig,
  name: string,
  shape: readonly number[],
  stored: Readonly<Record<string, Stored>>,
): Float32Array {
  const { data = [] } = stored[name] ?? stored[name.replace(/\.weight$/, '')] ?? {};
  const isConv1D = config.family === 'gpt2' && /\.c_\w+\.weight$/.test(name);
  if (!isConv1D) return Float32Array.from(data);
  const [dOut = 0, dIn = 0] = shape;
  return Float32Array.from(
    { length: dOut * dIn },
    (_, i) => data[(i % dIn) * dOut + Math.floor(i / dIn)] ?? Number.NaN,
  );
}

function load(name: string): Reference {
  const path = new URL(`../reference/model-${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8')) as Reference;
}

function assertClose(found: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  assert.equal(found.length, expected.length, `${what}: length`);
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [found[i] ?? Number.NaN, expected[i] ?? Number.NaN];
    assert.ok(Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(b)), `${what}: element ${i} is ${a}, expected ${b}`);
  }
}
