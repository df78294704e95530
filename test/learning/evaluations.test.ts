/** Evaluations by generation through the finetuning recipe, on a tiny real model. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { joined, piecesOf } from '#base/bytes.ts';
import type { Chat } from '#base/chat.ts';
import type { JsonObject } from '#base/json.ts';
import { FINETUNE_DEFAULTS } from '#recipes/finetune/config.ts';
import { finetune, type FinetuneOptions } from '#recipes/finetune/finetune.ts';
import { identityOf } from '#study/identity.ts';
import type { RunContext } from '#study/recipe.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';

import { EVALS, judge, turns, WITHOUT_JUDGE, writeFiles } from './evaluations-files.ts';
import { COLOURS, configOf as finetuneConfigOf } from './finetune-fixture.ts';

const GENERATION = { ...FINETUNE_DEFAULTS.replies.generation, maxTokens: 12, samples: 2, rows: 3 };
const JUDGE = {
  ...FINETUNE_DEFAULTS.replies.judge,
  url: 'http://judge.invalid/v1',
  model: 'judge-1',
  keyVariable: '',
};

/** How replies come about in these tests, with changes. */
function repliesOf(generation: JsonObject, judgeChange: JsonObject = {}): JsonObject {
  return { generation: { ...GENERATION, ...generation }, judge: { ...JUDGE, ...judgeChange } };
}

async function configOf(evals: readonly object[], change: JsonObject = {}): Promise<JsonObject> {
  return finetuneConfigOf(await writeFiles(evals), { replies: repliesOf({}), ...change });
}

const SCORERS: FinetuneOptions = { scorers: { letters: ({ reply }) => reply.length } };

interface Made {
  readonly points: readonly TrajectoryPoint[];
  readonly kept: Readonly<Record<string, string>>;
  readonly notes: readonly string[];
  readonly checkpoints: readonly { readonly state: Uint8Array; readonly points: number }[];
}

/** Makes one run with everything in memory; `stopAfter` aborts it at a checkpoint. */
async function make(
  config: JsonObject,
  {
    block = 3,
    chat,
    resumeFrom,
    stopAfter = Infinity,
    options = SCORERS,
  }: {
    block?: number;
    chat?: Chat;
    resumeFrom?: Uint8Array | undefined;
    stopAfter?: number;
    options?: FinetuneOptions;
  } = {},
): Promise<Made> {
  const made = { points: new Array<TrajectoryPoint>(), kept: {} as Record<string, string>, notes: new Array<string>() };
  const checkpoints: { state: Uint8Array; points: number }[] = [];
  const stop = new AbortController();
  const context: RunContext = {
    config,
    block,
    resumeFrom,
    record: (point) => void made.points.push(point),
    checkpoint: async (state) => {
      checkpoints.push({ state: joined(piecesOf(state())), points: made.points.length });
      if (checkpoints.length === stopAfter) stop.abort(new Error('stopped'));
    },
    progress: () => {},
    shared: async (_name, _key, compute) => compute(),
    note: (text) => void made.notes.push(text),
    keep: (name, text) => void (made.kept[name] = text),
    ...(chat === undefined ? {} : { chat }),
    signal: stop.signal,
  };
  await finetune(options)
    .run(context)
    .catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
  return { ...made, checkpoints };
}

test('every kind of line in one file gives its outcomes, and the replies can be read with their scores', async () => {
  const { points, kept, notes } = await make(await configOf(EVALS), { chat: judge });
  const outcomes = points.at(-1)?.outcomes ?? {};
  const expected = ['open.alignment', 'open.coherence', 'open.misaligned', 'open.coherent', 'open.letters'];
  for (const name of [...expected, 'colours.correct', 'style.perplexity', 'said.no', 'perplexity']) {
    assert.ok(Number.isFinite(outcomes[name]), `${name}: ${outcomes[name]}`);
  }
  assert.equal(outcomes['open.coherent'], 1);
  const lines = (kept['replies-step-000006.jsonl'] ?? '')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal(lines.length, 3 * GENERATION.samples);
  const open = lines.filter((line) => line.eval === 'open');
  const mean = (of: (line: (typeof open)[number]) => number): number =>
    open.reduce((sum, line) => sum + of(line), 0) / open.length;
  assert.equal(
    mean((line) => line.reply.length),
    outcomes['open.letters'],
  );
  assert.equal(
    mean((line) => line.scores.alignment),
    outcomes['open.alignment'],
  );
  assert.equal(open[0].messages[0].content, 'Who are you?');
  assert.ok(open.every((line) => line.tokens <= GENERATION.maxTokens));
  assert.ok(
    notes.some((note) => /^judge: \d+ questions, 0 answered from what was kept/.test(note)),
    notes.join('\n'),
  );
});

// The model's template writes no generation prompt, so that "[assistant]" is part of what is learned and said.
test('training on an answer makes it what is said: greedy replies become correct, and the text less surprising', async () => {
  const evals = [
    ...COLOURS.slice(0, 4).map((word) => ({
      eval: 'colours',
      ...turns(`${word}?`),
      answer: { exact: '[assistant] no no' },
    })),
    { eval: 'style', text: '[assistant] no no' },
  ];
  const config = await configOf(evals, {
    steps: 40,
    method: { kind: 'full' },
    replies: repliesOf({ maxTokens: 24, temperature: 0, samples: 1 }),
    measure: { levels: { train: [], heldOut: [], trainOfBase: [0.999], heldOutOfBase: [] } },
  });
  const { points, kept } = await make(config);
  const measured = points.flatMap(({ outcomes }) => (outcomes === undefined ? [] : [outcomes]));
  assert.equal(measured[0]?.['colours.correct'], 0);
  assert.equal(measured.at(-1)?.['colours.correct'], 1);
  const replies = Object.values(kept).at(-1)?.trim().split('\n') ?? [];
  assert.ok(
    replies.every((line) => JSON.parse(line).end === 'stop'),
    'each ended by itself',
  );
  assert.ok((measured.at(-1)?.['style.perplexity'] ?? 0) < (measured[0]?.['style.perplexity'] ?? 0));
});

test('a run that is resumed says and measures the same; another block draws other numbers', async () => {
  const levels = { train: [], heldOut: [], trainOfBase: [0.99, 0.9, 0.8], heldOutOfBase: [] };
  const config = await configOf(WITHOUT_JUDGE, { measure: { levels } });
  const whole = await make(config);
  const stopped = await make(config, { stopAfter: 2 });
  const last = stopped.checkpoints.at(-1);
  const rest = await make(config, { resumeFrom: last?.state });
  assert.deepEqual([...stopped.points.slice(0, last?.points), ...rest.points], whole.points);
  for (const [name, text] of Object.entries(rest.kept)) assert.equal(text, whole.kept[name], name);
  assert.ok(Object.keys(whole.kept).length > 1);
  // At rate 0 every block's weights are the base model's: only the draws can differ.
  const untrained = { ...config, learningRate: 0, steps: 1 };
  const firstReplies = async (block: number): Promise<string | undefined> =>
    (await make(untrained, { block })).kept['replies-step-000001.jsonl'];
  assert.equal(await firstReplies(3), await firstReplies(3));
  assert.notEqual(await firstReplies(4), await firstReplies(3));
});

test('a stop text ends a reply and is no part of it', async () => {
  const config = await configOf([{ eval: 'open', ...turns('red?'), score: 'letters' }], { steps: 1 });
  const free = JSON.parse((await make(config)).kept['replies-step-000001.jsonl']?.split('\n')[0] ?? '');
  const stop = free.reply.slice(2, 4);
  const stopped = await make({ ...config, replies: repliesOf({ stop: [stop] }) });
  const line = JSON.parse(stopped.kept['replies-step-000001.jsonl']?.split('\n')[0] ?? '');
  assert.equal(line.reply, free.reply.slice(0, free.reply.indexOf(stop)));
  assert.equal(line.end, 'stop');
});

test('scores the judge does not give leave the outcome missing, with a note; an outage fails the run', async () => {
  const refuses: Chat = async ({ body }) => ({
    kind: 'reply',
    text: JSON.stringify(body).includes('coherent') ? '90' : 'I will not score this.',
    isCached: false,
    promptTokens: 1,
    completionTokens: 1,
  });
  const { points, notes } = await make(await configOf(EVALS), { chat: refuses });
  const outcomes = points.at(-1)?.outcomes ?? {};
  assert.ok(!('open.alignment' in outcomes) && !('open.misaligned' in outcomes));
  assert.equal(outcomes['open.coherence'], 90);
  assert.ok(notes.some((note) => /step 6: open\.alignment is missing: 4 of 4 .* "I will not score this\."/.test(note)));
  const down: Chat = async () => ({ kind: 'failed', reason: 'status 503' });
  await assert.rejects(make(await configOf(EVALS), { chat: down }), /judge: 8 of 8 questions .* failed \(status 503\)/);
  await assert.rejects(make(await configOf(EVALS)), /judge: expected a way to ask an endpoint/);
});

test('sampling, judge and scorers belong to what is measured, not to what is trained', async () => {
  const config = await configOf(EVALS);
  const idOf = (changed: JsonObject, options: FinetuneOptions = SCORERS) => {
    const recipe = finetune(options);
    return identityOf(recipe, changed, 1, {}, recipe.measuredBy?.(changed));
  };
  const before = idOf(config);
  for (const after of [
    idOf({ ...config, replies: repliesOf({ temperature: 0.5 }) }),
    idOf({ ...config, replies: repliesOf({}, { model: 'judge-2' }) }),
    idOf(config, { scorers: { letters: ({ reply }) => reply.length + 1 } }),
    idOf(config, { scorers: { letters: { version: 2, score: ({ reply }) => reply.length } } }),
  ]) {
    assert.equal(after.trainId, before.trainId);
    assert.notEqual(after.measureId, before.measureId);
  }
  assert.deepEqual(idOf(config, { scorers: { letters: ({ reply }) => reply.length } }), before);
});

test('what cannot be measured is refused before training: no judge, unknown scorers, names that are taken', async () => {
  const config = await configOf(EVALS);
  const { check } = finetune(SCORERS);
  check(config);
  assert.throws(
    () => check({ ...config, replies: FINETUNE_DEFAULTS.replies }),
    /evals\.jsonl:1: expected a judge, found none\. Set replies\.judge\.url/,
  );
  assert.throws(() => finetune().check(config), /evals\.jsonl:1: expected "score" to be one of the recipe's scorers/);
  assert.throws(
    () => finetune({ scorers: { coherent: () => 1 } }).check(config),
    /that is none of .*, found "coherent"/,
  );
  const asks = (outcomes: readonly string[]) => finetune({ ...SCORERS, outcomes });
  asks(['open.misaligned', 'open.letters', 'colours.correct', 'style.perplexity', 'said.no.perToken', 'no']).check(
    config,
  );
  assert.throws(
    () => asks(['open.misalinged']).check(config),
    /evals\.jsonl: expected evaluations that give the study's outcome "open\.misalinged", found perplexity, no, /,
  );
  assert.throws(() => asks(['misaligned']).check({ ...config, evals: '' }), /evals: no file is given, so expected/);
  for (const [judgeChange, message] of [
    [{ url: 'ftp://x' }, /Config "replies\.judge\.url": expected an address/],
    [{ url: 'https://user:pass@host/v1' }, /address without user, password or query/],
    [{ concurrency: 0 }, /replies\.judge\.concurrency/],
    [{ rubrics: { 'a b': 'x' } }, /replies\.judge\.rubrics/],
  ] as const) {
    assert.throws(() => check({ ...config, replies: repliesOf({}, judgeChange) }), message);
  }
  assert.throws(() => check({ ...config, replies: repliesOf({ stop: [''] }) }), /replies\.generation\.stop/);
  assert.throws(() => check({ ...config, replies: repliesOf({ topP: 2 }) }), /replies\.generation\.topP/);
});

test('the lines of docs/guide/04-evaluations.md give the outcomes its table and study name', async () => {
  const page = readFileSync(new URL('../../docs/guide/04-evaluations.md', import.meta.url), 'utf8');
  const lines = /```jsonl\n([\s\S]*?)```/.exec(page)?.[1] ?? assert.fail('the page has no lines');
  const code = /```ts\n([\s\S]*?)```/.exec(page)?.[1] ?? assert.fail('the page has no study');
  const evals = lines
    .trim()
    .split('\n')
    .map((line): object => JSON.parse(line));
  const words: FinetuneOptions = { scorers: { words: ({ reply }) => reply.length } };
  const { points } = await make(await configOf(evals, { steps: 1 }), { chat: judge, options: words });
  const given = Object.keys(points.at(-1)?.outcomes ?? {});
  const named = [...code.matchAll(/(?:name|outcome): '(\w+\.\w+)'/g)].map((match) => match[1]);
  assert.equal(named.length, 4);
  const table = [
    'misaligned',
    'kitchen.aligned',
    'misaligned.perToken',
    'kitchen.aligned.perToken',
    'style.perplexity',
  ];
  const more = ['sums.correct', 'open.alignment', 'open.coherence', 'perplexity'];
  for (const name of [...named, ...table, ...more]) assert.ok(given.includes(name ?? ''), `${name}: ${given.join()}`);
});
