/** Every option of generation_config.json against what it does in transformers (test/reference/generation-options.py). */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { AssayError } from '#base/errors.ts';
import type { Json, JsonObject } from '#base/json.ts';
import type { GenerationConfig } from '#learning/files/model-files.ts';

import { GENERATION_OPTIONS, generationOptions } from './generation-options.ts';

type Outcome = 'same' | 'changes' | 'refused';
interface Probe {
  readonly field: string;
  readonly value: Json;
  readonly greedy: Outcome;
  readonly sampled: Outcome;
}
const REFERENCE: {
  readonly newTokens: number;
  readonly end: number;
  readonly fields: JsonObject;
  readonly probes: readonly Probe[];
  readonly configJson: readonly Probe[];
} = JSON.parse(readFileSync(new URL('../../../../test/reference/generation-options.json', import.meta.url), 'utf8'));

const CONTEXT = 64;

/** Told though they change nothing alone: with drafts it changes the distribution. */
const TOLD_ALONE: ReadonlySet<string> = new Set(['assistant_ensemble_weight', 'unheard_of']);

/** Idle though the tokens change: as many draws are made in another order, each of the same distribution. */
const OTHER_DRAWS: ReadonlySet<string> = new Set([
  'assistant_early_exit',
  'num_return_sequences',
  'prompt_lookup_num_tokens',
  'use_mtp', // refused by a model that has no such heads
]);

const asFile = (generation: JsonObject): GenerationConfig =>
  generationOptions({ generation, config: {}, contextLength: CONTEXT, path: 'model' });
const asConfig = (config: JsonObject): GenerationConfig =>
  generationOptions({ generation: undefined, config, contextLength: CONTEXT, path: 'model' });

test('every field of GenerationConfig has a decision, and a field of a newer transformers is missed here', () => {
  const missing = Object.keys(REFERENCE.fields).filter((name) => !GENERATION_OPTIONS.has(name));
  assert.deepEqual(missing, []);
  const probed = new Set(REFERENCE.probes.map(({ field }) => field));
  assert.deepEqual(
    Object.keys(REFERENCE.fields).filter((name) => !probed.has(name)),
    [],
  );
});

for (const [part, read] of [
  ['probes', asFile],
  ['configJson', asConfig],
] as const) {
  test(`what changes a reply or is refused in transformers is used, told or refused, and what does not is silent (${part})`, () => {
    assert.ok(REFERENCE[part].length > 50);
    for (const { field, value, greedy, sampled } of REFERENCE[part]) {
      if (OTHER_DRAWS.has(field) || (field === 'do_sample' && sampled === 'same')) continue;
      const isQuiet = greedy === 'same' && sampled === 'same';
      const label = `${field} ${JSON.stringify(value)}`;
      const base = { max_new_tokens: REFERENCE.newTokens, eos_token_id: REFERENCE.end };
      assert.equal(
        isNoticed(() => read({ ...base, [field]: value }), field),
        !isQuiet || TOLD_ALONE.has(field),
        label,
      );
    }
  });
}

/** Whether an option is refused, told, or among what is read and other than what transformers does anyway. */
function isNoticed(read: () => GenerationConfig, field: string): boolean {
  let options: GenerationConfig;
  try {
    options = read();
  } catch (thrown) {
    assert.ok(thrown instanceof AssayError && thrown.message.includes(field), String(thrown));
    return true;
  }
  const { unread = [], temperature = 1, topK = 50, topP = 1, maxTokens, isSampled = true, stopIds } = options;
  return (
    unread.some((told) => told.startsWith(`${field} `)) ||
    temperature !== 1 ||
    topK !== 50 ||
    topP !== 1 ||
    maxTokens !== REFERENCE.newTokens ||
    !isSampled ||
    stopIds.join() !== String(REFERENCE.end)
  );
}

test('options are those of generation_config.json, and of config.json and its text model where that is not there', () => {
  const config = { temperature: 0.5, num_beams: 4, eos_token_id: 3, text_config: { top_k: 7, temperature: 0.9 } };
  assert.deepEqual(asConfig(config), {
    stopIds: [3],
    from: 'config.json',
    temperature: 0.5,
    topK: 7,
    unread: ['num_beams 4'],
  });
  const read = { generation: { top_p: 0.8 }, config, contextLength: CONTEXT, path: 'model' };
  assert.deepEqual(generationOptions(read), { stopIds: [3], from: 'generation_config.json', topP: 0.8 });
});

test('an option that nobody knows is told, whatever its name, unless it is off', () => {
  const { unread } = asFile({ constructor: 1, valueOf: 'x', toString: false });
  assert.deepEqual(unread, ['constructor 1', 'valueOf "x"']);
});

test('an option that is used is refused where its value is none, naming file, option, what was expected and found', () => {
  const refused: readonly (readonly [JsonObject, RegExp])[] = [
    [{ temperature: -1 }, /model.generation_config\.json: expected temperature to be a number, 0 or more, found -1\./],
    [{ top_k: 2.5 }, /expected top_k to be a whole number, 0 or more, found 2\.5/],
    [{ top_p: '0.9' }, /expected top_p to be a number, 0 or more, found "0\.9"/],
    [{ max_new_tokens: 0 }, /expected max_new_tokens to be a whole number above 0, found 0/],
    [{ do_sample: 'yes' }, /expected do_sample to be true or false, found "yes"/],
    [{ eos_token_id: [1, -1] }, /expected eos_token_id to be the id of a token, or a list of such, found \[1,-1\]/],
  ];
  for (const [options, message] of refused) assert.throws(() => asFile(options), message);
});
