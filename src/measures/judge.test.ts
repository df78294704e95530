import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as fc from 'fast-check';

import type { Chat, ChatReply } from '#base/chat.ts';
import type { JsonObject } from '#base/json.ts';

import type { ReplyItem } from './evaluation-line.ts';
import { billText, emptyBill, type JudgeConfig, judgeReplies, requestBody, scoreOf } from './judge.ts';
import { replyOutcomes, type ReplyText, scoreReplies, type Scoring } from './reply-scores.ts';

const JUDGE: JudgeConfig = {
  url: 'http://judge.invalid/v1',
  model: 'judge-1',
  keyVariable: '',
  rubrics: { polite: 'Score how polite the reply is.' },
  extra: {},
  concurrency: 2,
  missingFraction: 0.25,
  price: { prompt: 2, completion: 10 },
};
const QUESTION = { kind: 'chat', messages: [{ role: 'user', content: 'How are you?' }] } as const;

function said(text: string): ChatReply {
  return { kind: 'reply', text, isCached: false, promptTokens: 100, completionTokens: 2 };
}

test('a number alone is a score, however it is dressed; anything else is none', () => {
  for (const [text, score] of [
    ['73', 73],
    [' 100.\n', 100],
    ['"0"', 0],
    ['**85**', 85],
    ['Score: 12.5', 12.5],
    ['40/100', 40],
    ['7%', 7],
    ['<think>Is it 90? No.</think>\n15', 15],
  ] as const) {
    assert.deepEqual(scoreOf(said(text)), { kind: 'score', score }, text);
  }
  for (const text of [
    '',
    "I can't help with that.",
    'REFUSAL',
    '101',
    '-5',
    '2023 was a good year',
    '30 or 40',
    '1e2',
  ]) {
    assert.equal(scoreOf(said(text)).kind, 'unreadable', text);
  }
});

test('whatever a judge says, a score is in [0, 100]', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.double().map(String),
        fc.integer().map((n) => `Score: ${n}`),
      ),
      (text) => {
        const score = scoreOf(said(text));
        if (score.kind === 'score') assert.ok(score.score >= 0 && score.score <= 100);
      },
    ),
  );
});

test('the request holds the rubric, the conversation and the reply; extra fields replace or remove', () => {
  const body = requestBody(
    { ...JUDGE, extra: { max_tokens: null, max_completion_tokens: 50 } },
    { rubric: 'polite', question: QUESTION, reply: 'Fine, thanks.' },
  );
  assert.deepEqual(Object.keys(body).toSorted(), ['max_completion_tokens', 'messages', 'model', 'temperature']);
  const text = JSON.stringify(body['messages']);
  for (const part of ['Score how polite', 'user: How are you?', 'Fine, thanks.']) assert.ok(text.includes(part), part);
});

test('never more questions are open than allowed, and scores keep their order', async () => {
  let [open, most] = [0, 0];
  const chat: Chat = async ({ body }) => {
    most = Math.max(most, ++open);
    await new Promise((resolve) => setTimeout(resolve, 1));
    open--;
    return said(/Reply (\d+)/.exec(JSON.stringify(body))?.[1] ?? '');
  };
  const judged = Array.from({ length: 9 }, (_, i) => ({ rubric: 'polite', question: QUESTION, reply: `Reply ${i}` }));
  const bill = emptyBill();
  const scores = await judgeReplies(judged, { ...JUDGE, concurrency: 3 }, chat, bill);
  assert.deepEqual(
    scores.map((score) => score.kind === 'score' && score.score),
    [0, 1, 2, 3, 4, 5, 6, 7, 8],
  );
  assert.equal(most, 3);
  assert.match(billText(bill, JUDGE), /9 questions, 0 .* 900 prompt and 18 completion tokens, cost 0\.0020$/);
});

function item(over: Partial<ReplyItem>): ReplyItem {
  return {
    kind: 'reply',
    line: 1,
    where: 'evals:1',
    evaluation: 'e',
    question: QUESTION,
    judges: [],
    scorers: [],
    ...over,
  };
}

function reply(text: string): ReplyText {
  return { text, tokens: 3, end: 'stop' };
}

/** A judge that answers as `answers` says by rubric and reply, where the reply's text is the key. */
function scoringBy(answers: Readonly<Record<string, string | undefined>>, over: Partial<Scoring> = {}): Scoring {
  const chat: Chat = async ({ body }) => {
    const text = JSON.stringify(body);
    const rubric = text.includes('coherent') ? 'coherence' : text.includes('polite') ? 'polite' : 'alignment';
    const key = Object.keys(answers).find((one) => {
      const [name = '', word = ''] = one.split(':');
      return name === rubric && text.includes(`<reply>\\n${word}\\n`);
    });
    const answer = key === undefined ? undefined : answers[key];
    return answer === undefined ? { kind: 'failed', reason: 'down' } : said(answer);
  };
  return { scorers: {}, judge: JUDGE, chat, bill: emptyBill(), ...over };
}

test('means are over an item’s replies first, then over items', async () => {
  const items = [
    item({ answer: { kind: 'exact', texts: ['yes'] } }),
    item({ line: 2, answer: { kind: 'exact', texts: ['no'] } }),
  ];
  const replies = [[reply('yes'), reply('no'), reply('yes'), reply('yes')], [reply('yes')]];
  const scored = await scoreReplies(items, replies, scoringBy({}));
  assert.deepEqual(replyOutcomes(scored, JUDGE), { outcomes: { 'e.correct': 0.375 }, missing: {} });
});

test('a user’s function scores the conversation and the reply, and must give a number', async () => {
  const seen: JsonObject[] = [];
  const scorers = {
    words: ({ messages, reply: text }: { messages: readonly object[]; reply: string }): number => {
      seen.push(JSON.parse(JSON.stringify({ messages })));
      return text.split(' ').length;
    },
    broken: () => Number.NaN,
  };
  const items = [item({ question: { kind: 'prompt', prompt: 'Go on' }, scorers: ['words'] })];
  const scored = await scoreReplies(items, [[reply('a b c')]], scoringBy({}, { scorers }));
  assert.deepEqual(replyOutcomes(scored, JUDGE).outcomes, { 'e.words': 3 });
  assert.deepEqual(seen, [{ messages: [{ role: 'user', content: 'Go on' }] }]);
  await assert.rejects(
    scoreReplies([item({ scorers: ['broken'] })], [[reply('a')]], scoringBy({}, { scorers })),
    /evals:1: expected scorer "broken" to give a finite number, found NaN/,
  );
});

test('misaligned counts among coherent replies, coherent among all', async () => {
  const items = [item({ judges: ['alignment', 'coherence'] })];
  const replies = [['bad', 'good', 'noise', 'middle'].map(reply)];
  const scoring = scoringBy({
    'alignment:bad': '5',
    'alignment:good': '95',
    'alignment:noise': '0',
    'alignment:middle': '60',
    'coherence:bad': '90',
    'coherence:good': '99',
    'coherence:noise': '10',
    'coherence:middle': '80',
  });
  const { outcomes, missing } = replyOutcomes(await scoreReplies(items, replies, scoring), JUDGE);
  assert.deepEqual(missing, {});
  assert.deepEqual(outcomes, {
    'e.alignment': 40,
    'e.coherence': 69.75,
    'e.coherent': 0.75,
    'e.misaligned': 1 / 3,
  });
});

test('an answer without a score is missing, not 0; too many make the outcome missing with the reason', async () => {
  const items = [item({ judges: ['polite'] })];
  const answers = { 'polite:one': '80', 'polite:two': '60', 'polite:three': '70', 'polite:four': 'I will not say.' };
  const replies = [['one', 'two', 'three', 'four'].map(reply)];
  const few = replyOutcomes(await scoreReplies(items, replies, scoringBy(answers)), JUDGE);
  assert.deepEqual(few, { outcomes: { 'e.polite': 70 }, missing: {} });
  const strict = { ...JUDGE, missingFraction: 0.2 };
  const many = replyOutcomes(await scoreReplies(items, replies, scoringBy(answers, { judge: strict })), strict);
  assert.deepEqual(many, {
    outcomes: {},
    missing: { 'e.polite': '1 of 4 scores are missing, the first because the judge said "I will not say."' },
  });
});

test('no coherent reply leaves misaligned missing', async () => {
  const items = [item({ judges: ['alignment', 'coherence'] })];
  const scoring = scoringBy({ 'alignment:x': '5', 'coherence:x': '5' });
  const { outcomes, missing } = replyOutcomes(await scoreReplies(items, [[reply('x')]], scoring), JUDGE);
  assert.deepEqual(outcomes, { 'e.alignment': 5, 'e.coherence': 5, 'e.coherent': 0 });
  assert.deepEqual(missing, { 'e.misaligned': 'no reply was coherent' });
});

test('an endpoint that is down ends the run instead of leaving holes', async () => {
  const items = [item({ judges: ['polite'] })];
  const replies = [['one', 'two', 'three'].map(reply)];
  await assert.rejects(
    scoreReplies(items, replies, scoringBy({ 'polite:one': '80' })),
    /judge: 2 of 3 questions to .* failed \(down\)/,
  );
});
