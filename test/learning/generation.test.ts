/** Generation against the uncached forward pass and against transformers' `generate`, on tiny models of every family. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { rngOf } from '#base/rng.ts';
import { input } from '#engine/ops/sources.ts';
import { compile, type Program } from '#engine/session.ts';
import { openModel } from '#learning/files/open-model.ts';
import { cacheOf } from '#learning/generation/cache.ts';
import type { GenerationOptions, Prompt, Reply } from '#learning/generation/generator.ts';
import { compileDecode, compilePrefill, positionFeeder } from '#learning/generation/programs.ts';
import { stopTokens } from '#learning/generation/stop-tokens.ts';
import { applyMethod, type Method } from '#learning/method.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { transformerParameters } from '#learning/models/parameters.ts';
import { transformerLogits } from '#learning/models/transformer.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import { createTrainer, type Trainer } from '#learning/train.ts';

const FAMILIES = ['gpt2', 'llama', 'llama3', 'qwen2', 'qwen3'] as const;
/** float32 sums in another order through two layers; logits are of size 1 to 10. */
const REORDERED = 2e-5;
const CONTEXT = 64;
const LORA: Method = { kind: 'lora', rank: 2, alpha: 4, scaling: 'alphaOverRank', modules: 'all' };

interface Case {
  readonly prompt: readonly number[];
  readonly tokens: readonly number[];
}

interface Reference {
  readonly cases: readonly Case[];
  readonly stop: number;
  readonly stopped: readonly (readonly number[])[];
}

const REFERENCE = JSON.parse(
  readFileSync(new URL('../reference/generation.json', import.meta.url), 'utf8'),
) as Readonly<Record<(typeof FAMILIES)[number], Reference>>;

type Weights = ReadonlyMap<string, Float32Array>;

interface Loaded {
  readonly config: TransformerConfig;
  readonly weights: Weights;
}

async function load(name: string): Promise<Loaded> {
  await using files = await openModel(fileURLToPath(new URL(`../fixtures/models/${name}`, import.meta.url)));
  const { config } = files;
  const weights = new Map<string, Float32Array>();
  for (const { name: parameter } of transformerParameters(config))
    weights.set(parameter, await files.tensor(parameter));
  return { config, weights };
}

async function trainerOf({ config, weights }: Loaded, method: Method = { kind: 'full' }): Promise<Trainer> {
  const trainer = await createTrainer({
    model: config,
    method,
    optimizer: ADAMW_DEFAULTS,
    batch: { rows: 1, length: 4 },
  });
  trainer.reset(weights, rngOf(1));
  return trainer;
}

function options(over: Partial<GenerationOptions> = {}): GenerationOptions {
  return {
    maxTokens: 24,
    temperature: 0,
    topP: 1,
    samples: 1,
    stopTokens: new Set(),
    rng: rngOf(1, 'replies'),
    ...over,
  };
}

function promptsOf(lists: readonly (readonly number[])[]): Prompt[] {
  return lists.map((tokens) => ({ name: tokens.join(), tokens: Int32Array.from(tokens) }));
}

/** The logits of every position, from one uncached pass, shape [T, V]. */
async function fullLogits(
  { config, weights }: Loaded,
  tokens: readonly number[],
  method: Method,
): Promise<Float32Array> {
  const { layers } = applyMethod(method, config);
  const graph = transformerLogits(
    config,
    layers,
    { rows: 1, length: tokens.length },
    input('tokens', [tokens.length], 'int32'),
  );
  await using program = await compile({ logits: graph });
  for (const [name, values] of weights) program.bindIfKnown(name, values);
  program.bind('tokens', Int32Array.from(tokens));
  await program.run();
  return program.float32('logits').slice();
}

for (const name of FAMILIES) {
  const { cases, stop, stopped } = REFERENCE[name];
  const prompts = promptsOf(cases.map(({ prompt }) => prompt));

  test(`${name}: greedy replies are those of transformers, prompts of unlike lengths side by side`, async () => {
    await using trainer = await trainerOf(await load(name));
    const generator = trainer.generator({ rows: 3, contextLength: CONTEXT });
    const replies = await generator.generate(prompts, options());
    assert.deepEqual(
      replies.map(([reply]) => reply),
      cases.map(({ tokens }): Reply => ({ tokens, end: 'length' })),
    );
  });

  test(`${name}: a reply ends before its stop token, where transformers ends it`, async () => {
    await using trainer = await trainerOf(await load(name));
    const generator = trainer.generator({ rows: 2, contextLength: CONTEXT });
    const replies = await generator.generate(prompts, options({ stopTokens: new Set([stop]) }));
    assert.deepEqual(
      replies.map(([reply]) => reply?.tokens),
      stopped,
    );
    assert.equal(replies[1]?.[0]?.end, 'stop');
  });

  for (const method of [{ kind: 'full' }, LORA] as const) {
    test(`${name} (${method.kind}): logits of cached steps are those of the whole sequence at once`, async () => {
      const loaded = await withAdapter(await load(name), method);
      const sequences = [29, 17].map((length, i) => randomTokens(loaded.config, length, i));
      const prompted = [7, 11];
      await using decode = await decoding(loaded, method, 2, 32);
      for (const [row, tokens] of sequences.entries()) {
        const first = await decode.begin(row, tokens.slice(0, prompted[row]));
        const all = await fullLogits(loaded, tokens, method);
        assertClose(first, all, (prompted[row] ?? 0) - 1, `${name} row ${row}, prompt`);
      }
      const expected = await Promise.all(sequences.map(async (tokens) => fullLogits(loaded, tokens, method)));
      for (let step = 0; step < 6; step++) {
        const positions = prompted.map((length) => length + step);
        const logits = await decode.step(positions.map((at, row) => ({ token: sequences[row]?.[at] ?? 0, at })));
        for (const [row, at] of positions.entries()) {
          assertClose(logits[row] ?? new Float32Array(), expected[row] ?? new Float32Array(), at, `${name} row ${row}`);
        }
      }
    });
  }

  test(`${name}: a row's logits have the same bits whatever the other rows hold, and in any row`, async () => {
    const loaded = await load(name);
    const tokens = randomTokens(loaded.config, 12, 5);
    const seen: Float32Array[] = [];
    for (const [row, others] of [0, 1, 2].entries()) {
      await using decode = await decoding(loaded, { kind: 'full' }, 3, 32);
      for (const other of [0, 1, 2].filter((one) => one !== row)) {
        await decode.begin(other, randomTokens(loaded.config, 3 + others + other, 10 + others + other));
      }
      await decode.begin(row, tokens.slice(0, 9));
      let last: Float32Array = new Float32Array();
      for (let at = 9; at < 12; at++) {
        const feeds = [0, 1, 2].map((one) =>
          one === row ? { token: tokens[at] ?? 0, at } : { token: at + one, at: at - 2 },
        );
        last = (await decode.step(feeds))[row] ?? new Float32Array();
      }
      seen.push(last);
    }
    assert.deepEqual(seen[1], seen[0]);
    assert.deepEqual(seen[2], seen[0]);
  });
}

function assertClose(found: Float32Array, all: Float32Array, at: number, what: string): void {
  const width = found.length;
  const worst = found.reduce(
    (most, logit, i) => Math.max(most, Math.abs(logit - (all[at * width + i] ?? Number.NaN))),
    0,
  );
  assert.ok(worst < REORDERED, `${what}, position ${at}: off by ${worst}`);
}

function randomTokens({ vocabulary }: TransformerConfig, length: number, seed: number): number[] {
  const rng = rngOf(seed, 'tokens');
  return Array.from({ length }, () => rng.below(vocabulary));
}

/** Adapter factors that are not zero, beside the base weights. */
async function withAdapter(loaded: Loaded, method: Method): Promise<Loaded> {
  if (method.kind !== 'lora') return loaded;
  const rng = rngOf(3, 'adapter');
  const weights = new Map(loaded.weights);
  for (const { name, shape } of applyMethod(method, loaded.config).trained) {
    const length = shape.reduce((product, one) => product * one, 1);
    weights.set(
      name,
      Float32Array.from({ length }, () => 0.1 * rng.normal()),
    );
  }
  return { ...loaded, weights };
}

/** The two programs and the cache, driven by hand. */
async function decoding({ config, weights }: Loaded, method: Method, rows: number, capacity: number) {
  const model = applyMethod(method, config);
  const bind = (program: Program): Program => {
    for (const [name, values] of weights) program.bindIfKnown(name, values);
    return program;
  };
  const program = bind(await compileDecode(config, model, rows, capacity, 1));
  const prefill = bind(await compilePrefill(config, model, 1, capacity, 1));
  const cache = cacheOf(program, config, capacity);
  const feedPosition = positionFeeder(program, config, capacity);
  return {
    async begin(row: number, tokens: readonly number[]): Promise<Float32Array> {
      prefill.int32('tokens').fill(0).set(tokens);
      prefill.int32('last')[0] = tokens.length - 1;
      await prefill.run();
      cache.begin(row, { program: prefill, place: 0, padded: capacity, length: tokens.length });
      return prefill.float32('logits').slice(0, config.vocabulary);
    },
    async step(feeds: readonly { readonly token: number; readonly at: number }[]): Promise<Float32Array[]> {
      for (const [row, { token, at }] of feeds.entries()) {
        program.int32('tokens')[row] = token;
        feedPosition(row, at);
      }
      await program.run();
      for (const [row, { at }] of feeds.entries()) cache.append(row, at);
      const logits = program.float32('logits');
      const width = logits.length / rows;
      return feeds.map((_, row) => logits.slice(row * width, (row + 1) * width));
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await program[Symbol.asyncDispose]();
      await prefill[Symbol.asyncDispose]();
    },
  };
}

test('a sampled reply depends on its own prompt and name alone, not on the batch or its order', async () => {
  await using trainer = await trainerOf(await load('qwen3'));
  const prompts = promptsOf(REFERENCE.qwen3.cases.map(({ prompt }) => prompt));
  const sampling = options({ temperature: 1, topP: 0.9, samples: 3 });
  const repliesOf = async (list: readonly Prompt[]): Promise<Map<string, readonly Reply[]>> => {
    const generator = trainer.generator({ rows: 3, contextLength: CONTEXT });
    const replies = await generator.generate(list, sampling);
    return new Map(list.map(({ name }, i) => [name, replies[i] ?? []]));
  };
  const together = await repliesOf(prompts);
  for (const prompt of prompts) {
    const alone = await repliesOf([prompt]);
    assert.deepEqual(alone.get(prompt.name), together.get(prompt.name));
  }
  assert.deepEqual(new Map([...(await repliesOf(prompts.toReversed()))].toReversed()), together);
  const [one, two] = together.get(prompts[0]?.name ?? '') ?? [];
  assert.notDeepEqual(one, two, 'two samples of a prompt draw different numbers');
});

test('replies follow the weights: trained, restored, and of another base', async () => {
  const [one, other] = [await load('llama'), await load('llama')];
  for (const values of other.weights.values()) values.reverse();
  await using trainer = await trainerOf(one, LORA);
  const generator = trainer.generator({ rows: 2, contextLength: CONTEXT });
  const prompts = promptsOf([REFERENCE.llama.cases[1]?.prompt ?? []]);
  const say = async (): Promise<readonly (readonly Reply[])[]> => generator.generate(prompts, options());
  const before = await say();
  const saved = trainer.saveWeights();
  for (const [name, values] of trainer.memory) if (name.endsWith('lora_B.weight')) values.fill(0.05);
  assert.notDeepEqual(await say(), before);
  trainer.restoreWeights(saved);
  assert.deepEqual(await say(), before);
  trainer.reset(other.weights, rngOf(1));
  const ofOther = await say();
  assert.notDeepEqual(ofOther, before);
  await using alone = await trainerOf(other, LORA);
  assert.deepEqual(await alone.generator({ rows: 2, contextLength: CONTEXT }).generate(prompts, options()), ofOther);
});

test('a reply ends where it is complete, at the token limit, and where the context ends', async () => {
  await using trainer = await trainerOf(await load('gpt2'));
  const generator = trainer.generator({ rows: 2, contextLength: 40 });
  const [short, , , long] = promptsOf(REFERENCE.gpt2.cases.map(({ prompt }) => prompt));
  assert.ok(short !== undefined && long !== undefined);
  const [[cut]] = (await generator.generate([long], options())) as [[Reply]];
  assert.deepEqual(cut, { tokens: REFERENCE.gpt2.cases[3]?.tokens.slice(0, 40 - 33), end: 'length' });
  const [[complete]] = (await generator.generate([short], options({ isComplete: (all) => all.length === 3 }))) as [
    [Reply],
  ];
  assert.deepEqual(complete, { tokens: REFERENCE.gpt2.cases[0]?.tokens.slice(0, 3), end: 'stop' });
  const tooLong = promptsOf([new Array<number>(40).fill(5)]);
  await assert.rejects(generator.generate(tooLong, options()), /a prompt of 1 to 39 tokens .* found 40/);
});

test('generation stops when it is told to, and refuses logits that are no numbers', async () => {
  await using trainer = await trainerOf(await load('llama'));
  const generator = trainer.generator({ rows: 2, contextLength: CONTEXT });
  const prompts = promptsOf([[5, 6, 7]]);
  const stop = AbortSignal.abort(new Error('stopped by the test'));
  await assert.rejects(generator.generate(prompts, options({ signal: stop })), /stopped by the test/);
  for (const values of trainer.memory.values()) values.fill(Number.NaN);
  await assert.rejects(generator.generate(prompts, options()), /expected numbers as logits/);
  const { weights } = await load('llama');
  trainer.reset(weights, rngOf(1));
  const again = await generator.generate(promptsOf([REFERENCE.llama.cases[1]?.prompt ?? []]), options());
  assert.deepEqual(again[0]?.[0]?.tokens, REFERENCE.llama.cases[1]?.tokens);
});

test('weights that break in the middle of a reply leave nothing behind for the next', async () => {
  await using trainer = await trainerOf(await load('llama'));
  const generator = trainer.generator({ rows: 1, contextLength: CONTEXT });
  const prompts = promptsOf([REFERENCE.llama.cases[1]?.prompt ?? []]);
  const breakAfter = (all: readonly number[]): boolean => {
    if (all.length === 9) for (const values of trainer.memory.values()) values.fill(Number.NaN);
    return false;
  };
  await assert.rejects(generator.generate(prompts, options({ isComplete: breakAfter })), /expected numbers as logits/);
  trainer.reset((await load('llama')).weights, rngOf(1));
  const [[again]] = (await generator.generate(prompts, options())) as [[Reply]];
  assert.deepEqual(again.tokens, REFERENCE.llama.cases[1]?.tokens);
});

test('the stop tokens are those of the files and the one the chat template ends a turn with', async () => {
  await using files = await openModel(fileURLToPath(new URL('../fixtures/models/llama', import.meta.url)));
  const end = files.tokenizer?.idOf('<|endoftext|>') ?? -1;
  assert.deepEqual(stopTokens(files), new Set([2, end]));
  assert.deepEqual(stopTokens({ ...files, generation: { stopIds: [] } }), new Set([end]));
  assert.deepEqual(
    stopTokens({ generation: { stopIds: [7] }, tokenizer: undefined, chatTemplate: undefined }),
    new Set([7]),
  );
});
