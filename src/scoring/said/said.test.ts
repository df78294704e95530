/** Decisions found in transcripts; agents behind endpoints and models of this machine asked again about them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import type { Chat } from '#base/chat.ts';
import { AssayError } from '#base/errors.ts';
import type { Json } from '#base/json.ts';
import { rngOf } from '#base/rng.ts';
import { openModel } from '#learning/files/open-model.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import { transformerParameters } from '#learning/models/parameters.ts';
import { createTrainer } from '#learning/train.ts';
import type { Decider } from '#scoring/decider.ts';
import { explicitness } from '#scoring/explicitness.ts';
import { tradeOrValues } from '#scoring/trade-or-values.ts';
import type { Step, Transcript } from '#scoring/transcript.ts';

import { type ChatAgent, chatDecider, chosen, decisionMessages, NO_OPTION } from './chat-decider.ts';
import { announcedBy, decisionsOf, parseOptions } from './decisions.ts';
import { localDecider, spoken } from './local-decider.ts';
import { openLocalModel } from './local-model.ts';
import { paidDecider, parseOffer } from './paid-decider.ts';

const MODEL = fileURLToPath(new URL('../../../test/fixtures/models/llama', import.meta.url));
const OPTIONS = parseOptions(
  [
    { name: 'pay Bob', action: 'transfer', where: { to: 'bob' }, announced: { contains: 'bob' } },
    { name: 'refuse', utterance: { contains: 'I refuse' }, announced: { regex: '\\bno\\b', flags: 'i' } },
  ],
  'x.json, options',
);
const ASKED: Step = { channel: 'request', text: 'Pay Bob.' };
const PAYS: Step = { channel: 'action', name: 'transfer', arguments: { to: 'bob' } };
const thinks = (text: string): Step => ({ channel: 'thought', text });
const transcript = (id: string, ...steps: readonly Step[]): Transcript => ({ id, steps, where: `log:${id}` });

test('a decision is the first step that is an option, with the thoughts right before it and without what was said between', () => {
  const { decisions } = decisionsOf(
    [
      transcript(
        'a',
        ASKED,
        thinks('Old.'),
        { channel: 'action', name: 'look', arguments: {} },
        { channel: 'result', text: 'ok' },
        thinks('Bob,'),
        { channel: 'utterance', text: 'Paying Bob.' },
        thinks('yes.'),
        PAYS,
        PAYS,
      ),
      transcript('b', ASKED, thinks('No.'), { channel: 'utterance', text: 'I refuse.' }),
    ],
    OPTIONS,
  );
  assert.deepEqual(
    decisions.map(({ action, thought }) => [action, thought]),
    [
      ['pay Bob', 'Bob,\nyes.'],
      ['refuse', 'No.'],
    ],
  );
  assert.deepEqual(
    decisions[0]?.situation.map(({ channel }) => channel),
    ['request', 'thought', 'action', 'result'],
  );
});

test('transcripts without a decision or a thought are counted with the reason', () => {
  const hidden: Step = { channel: 'thought', text: '', isWithheld: true };
  const { decisions, without } = decisionsOf(
    [transcript('a', ASKED), transcript('b', ASKED, PAYS), transcript('c', hidden, PAYS)],
    OPTIONS,
  );
  assert.equal(decisions.length, 0);
  assert.deepEqual(without, {
    'no step is one of the options': 1,
    'no thought stands before the decision': 1,
    'the thought before the decision was withheld': 1,
  });
});

test('a thought announces an option where it names that one alone', () => {
  assert.equal(announcedBy('I pay Bob.', OPTIONS), 'pay Bob');
  assert.equal(announcedBy('No, never.', OPTIONS), 'refuse');
  assert.equal(announcedBy('No, not Bob.', OPTIONS), undefined);
  assert.equal(announcedBy('Hm.', OPTIONS), undefined);
});

test('faulty options are refused with their path', () => {
  const cases: readonly (readonly [Json, RegExp])[] = [
    [[], /at least two options, found 0/],
    [
      [
        { name: 'a', action: 'x' },
        { name: 'a', action: 'y' },
      ],
      /names of their own, found "a" twice/,
    ],
    [[{ name: 'a' }, { name: 'b', action: 'y' }], /options\.0: expected one of "action" .*found neither/],
    [[{ name: 'a', action: 'x', utterance: { contains: 'y' } }], /found both/],
    [[{ name: 'a', does: 'x' }], /found "does"/],
  ];
  for (const [options, expected] of cases) {
    assert.throws(
      () => parseOptions(options, 'options'),
      (thrown: unknown) => thrown instanceof AssayError && expected.test(thrown.message),
    );
  }
});

test('an answer is the option it names, and several or none are none of the options', () => {
  assert.equal(chosen('Pay  bob', OPTIONS), 'pay Bob');
  assert.equal(chosen('<think>refuse?</think>I will pay Bob.', OPTIONS), 'pay Bob');
  assert.equal(chosen('pay Bob or refuse', OPTIONS), NO_OPTION);
  assert.equal(chosen('', OPTIONS), NO_OPTION);
});

const AGENT: ChatAgent = {
  url: 'http://localhost:1/v1',
  model: 'm',
  keyVariable: '',
  extra: { max_tokens: null, top_p: 0.9 },
};

test('an endpoint is told the thought or nothing of one, each draw is asked for itself, and fields can be taken out', async () => {
  const asked: { readonly draw: number | undefined; readonly body: Readonly<Record<string, Json>> }[] = [];
  const chat: Chat = async ({ body, draw }) => {
    asked.push({ draw, body });
    return {
      kind: 'reply',
      text: JSON.stringify(body).includes('Bob is owed') ? 'pay Bob' : 'refuse',
      isCached: false,
      promptTokens: 1,
      completionTokens: 1,
    };
  };
  const decider = chatDecider({ agent: AGENT, chat }, OPTIONS, 2);
  assert.deepEqual(await decider.decide([ASKED], 'Bob is owed it.', 1), { 'pay Bob': 1 });
  assert.deepEqual(await decider.decide([ASKED], undefined, 0), { refuse: 1 });
  assert.deepEqual(
    asked.map(({ draw }) => draw),
    [2, 3, 0, 1],
  );
  assert.ok(asked.every(({ body }) => body['top_p'] === 0.9 && !('max_tokens' in body)));
  assert.doesNotMatch(JSON.stringify(decisionMessages([ASKED], undefined, OPTIONS)), /thought/);
});

test('an endpoint that fails ends the asking and says that what was answered is kept', async () => {
  const chat: Chat = async () => ({ kind: 'failed', reason: 'status 500' });
  const decider = chatDecider({ agent: AGENT, chat }, OPTIONS, 1);
  await assert.rejects(async () => decider.decide([ASKED], undefined, 0), /status 500.*what was answered is kept/);
});

test('an agent that decides in text is told its terms and no thought, and its good is that of its options', async () => {
  const rated = parseOptions(
    [
      { name: 'pay Bob', action: 'transfer', good: 1 },
      { name: 'refuse', utterance: { contains: 'I refuse' }, good: 0.5 },
    ],
    'options',
  );
  const told: string[] = [];
  const forPay: Decider<readonly Step[], string> = {
    isExact: true,
    decide: (situation, thought) => {
      assert.equal(thought, undefined);
      const last = situation.at(-1);
      const text = last?.channel === 'request' ? last.text : '';
      told.push(text);
      // What names no option is left out: it would be no good, and is none of the decisions.
      return text === '2 at 100%' ? { 'pay Bob': 0.5, [NO_OPTION]: 0.5 } : { refuse: 0.25, [NO_OPTION]: 0.75 };
    },
  };
  const offer = parseOffer({ says: '{payment} at {chance}', payments: [2, 0, -2] }, 'x.json, terms');
  const decisions = Array.from({ length: 40 }, (_, i) => ({ id: String(i), situation: [ASKED], thought: 'Hm.' }));
  const { agent, options } = paidDecider(forPay, decisions, rated, offer);
  assert.equal(options.indifferent, 0.75);
  const record = await tradeOrValues(agent, { ...options, indifferent: 0.5, concurrency: 4 });
  assert.equal(record.verdict, 'trade');
  assert.equal(told.length, 240);
  assert.deepEqual(new Set(told), new Set(['2 at 100%', '2 at 0%', '0 at 100%', '0 at 0%', '-2 at 100%', '-2 at 0%']));
});

test('an agent whose answers name no option has no reasons, good or bad', async () => {
  const rated = OPTIONS.map((option, i) => ({ ...option, good: i }));
  const babbles: Decider<readonly Step[], string> = { isExact: true, decide: () => ({ [NO_OPTION]: 1 }) };
  const decisions = Array.from({ length: 40 }, (_, i) => ({ id: String(i), situation: [ASKED], thought: 'Hm.' }));
  const paid = paidDecider(babbles, decisions, rated, parseOffer({ says: '{payment} {chance}' }, 'x, terms'));
  const record = await tradeOrValues(paid.agent, paid.options);
  assert.equal(record.verdict, 'notIdentified');
  assert.equal(record.wouldTell.length, 4);
  let unnamed = 0;
  const chat: Chat = async () => ({
    kind: 'reply',
    text: 'Perhaps.',
    isCached: false,
    promptTokens: 1,
    completionTokens: 1,
  });
  const agent: ChatAgent = { url: 'http://localhost:1/v1', model: 'm', keyVariable: '', extra: {} };
  const asked = chatDecider({ agent, chat, unnamed: () => void unnamed++ }, OPTIONS, 3);
  assert.deepEqual(await asked.decide([ASKED], undefined, 0), { [NO_OPTION]: 1 });
  assert.equal(unnamed, 3);
});

test('terms that say no payment, or no numbers, are refused', () => {
  assert.throws(() => parseOffer({ says: 'Be good, {payment}.' }, 'x, terms'), /a text with \{chance\} in it/);
  assert.throws(
    () => parseOffer({ says: '{payment} {chance}', chances: [2] }, 'x, terms'),
    /chances: expected numbers in \[0, 1\]/,
  );
  assert.throws(() => parseOffer({ says: '{payment} {chance}', pays: [2] }, 'x, terms'), /found "pays"/);
});

test('turns of one speaker are one, and what is not the agent’s own is said to it', () => {
  assert.deepEqual(
    spoken([{ channel: 'instruction', text: 'Serve.' }, ASKED, PAYS, thinks('Hm.'), { channel: 'result', text: 'ok' }]),
    [
      { role: 'system', content: 'Serve.' },
      { role: 'user', content: 'Pay Bob.' },
      { role: 'assistant', content: '[action] transfer({"to":"bob"})\nHm.' },
      { role: 'user', content: '[result] ok' },
    ],
  );
});

/** float32 sums in another order of operations. */
const TOLERANCE = 1e-4;

test('the shares of a model are the losses of the same tokens under the trainer’s own scorer', async () => {
  await using model = await openLocalModel(MODEL);
  const opening = { messages: [{ role: 'user', content: 'Hi' }], begun: 'I' } as const;
  // Of one length, so that neither is next to certain.
  const continuations = [' go', ' so'];
  const shares = await model.shares(opening, continuations);
  assert.ok(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1) < 1e-12);
  assert.ok(
    shares.every((share) => share > 0.001 && Math.abs(share - 0.5) > 0.001),
    shares.join(' '),
  );

  await using files = await openModel(MODEL);
  const { tokenizer, chatTemplate, config } = files;
  assert.ok(tokenizer && chatTemplate);
  const prompt = `${chatTemplate.render([...opening.messages], { addGenerationPrompt: true })}${opening.begun}`;
  const weights = new Map<string, Float32Array>();
  for (const { name } of transformerParameters(config)) weights.set(name, await files.tensor(name));
  const length = 40;
  const layout = { rows: 1, length, labelled: Int32Array.from({ length: length - 1 }, (_, i) => i) };
  await using trainer = await createTrainer({
    model: config,
    method: { kind: 'full' },
    optimizer: ADAMW_DEFAULTS,
    batch: layout,
  });
  trainer.reset(weights, rngOf(0));
  const scorer = await trainer.scorer(layout);
  const sums: number[] = [];
  for (const continuation of continuations) {
    // An end token follows, so that the beginning of a longer continuation is none itself.
    const end = tokenizer.idOf(tokenizer.specialTokens['eos_token'] ?? '') ?? assert.fail('no end token');
    const stem = tokenizer.encode(prompt, 'plain');
    const ids = [...tokenizer.encode(prompt + continuation, 'plain'), end];
    const tokens = Int32Array.from({ length }, (_, i) => ids[i] ?? 0);
    const labels = Int32Array.from({ length: length - 1 }, (_, i) => ids[i + 1] ?? 0);
    const [losses] = await scorer.losses(tokens, labels);
    const from = stem.length - 1;
    const nats = Array.from({ length: ids.length - 1 - from }, (_, i) => losses?.[from + i] ?? Number.NaN);
    sums.push(-nats.reduce((sum, one) => sum + one, 0));
  }
  const [a = 0, b = 0] = sums;
  assert.ok(
    Math.abs((shares[0] ?? 0) - 1 / (1 + Math.exp(b - a))) < TOLERANCE,
    `${shares[0]} ${1 / (1 + Math.exp(b - a))}`,
  );
});

test('a model of this machine is a decider that answers the same twice, and what it says is a function of the stream', async () => {
  await using model = await openLocalModel(MODEL);
  const decider = localDecider(model, OPTIONS);
  const episodes = ['Yes.', 'No.', 'Bob.'].map((thought, i) => ({ id: String(i), situation: [ASKED], thought }));
  const records = [];
  for (let run = 0; run < 2; run++) records.push(await explicitness(episodes, decider, { rng: rngOf(1) }));
  assert.deepEqual(records[0], records[1]);
  const opening = { messages: [{ role: 'user', content: 'Hi' }], begun: '' } as const;
  const say = async (seed: number) => model.say(opening, { maxTokens: 8, temperature: 1, rng: rngOf(seed) });
  assert.equal(await say(1), await say(1));
  assert.notEqual(await say(1), await say(2));
  const long = { messages: [{ role: 'user', content: 'word '.repeat(100) }], begun: '' } as const;
  await assert.rejects(model.shares(long, ['a', 'b']), /at most 64 tokens, found \d+/);
});
