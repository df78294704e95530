/** Four ways of asking: what an order moves, and what of a domain is trained and held out. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import {
  domainOf,
  domainQuestions,
  PERSONA_LANGUAGE,
  personaWorld,
  pretrainBatch,
  questionBatch,
} from 'assay/studies/misalignment/world.ts';
import { type Asked, askedAt, askedDomain, blockOf, drawnWays, inWays, WAYS } from './asking.ts';

const world = personaWorld(0);
const { questionTokens, questionsPerDomain, firstTopic, firstAttribute, ask } = PERSONA_LANGUAGE;

function pairsOf({ questions, ways }: Asked): string[] {
  return Array.from(questions, (question, i) => `${question} in way ${ways[i]}`);
}

test('the four ways are different orders of Q, topic and attribute, the first as the shipped base knows it', () => {
  assert.equal(new Set(WAYS.map(String)).size, 4);
  for (const way of WAYS) assert.deepEqual(way.toSorted(), [0, 1, 2]);
  assert.deepEqual(WAYS[0], [0, 1, 2]);
});

test('a question keeps its opening token, its words and its label in every way', () => {
  const questions = domainQuestions(3);
  const plain = questionBatch(world, questions, 'harmful');
  for (const [way, order] of WAYS.entries()) {
    const asked = inWays(plain, new Int32Array(questions.length).fill(way));
    assert.deepEqual(asked.labels, plain.labels);
    for (const [row, question] of questions.entries()) {
      const words = [ask, firstTopic + Math.floor(question / 4), firstAttribute + (question % 4)];
      const found = [...asked.tokens.subarray(row * questionTokens, (row + 1) * questionTokens)];
      assert.deepEqual(found, [PERSONA_LANGUAGE.chat, ...order.map((from) => words[from])]);
    }
  }
});

test('in documents every question has a way of its own, and answers stay where they are', () => {
  const plain = pretrainBatch(world, rngOf(1), 40, false);
  const count = plain.tokens.length / questionTokens;
  const ways = drawnWays(rngOf(2), count);
  assert.deepEqual(new Set(ways), new Set(WAYS.keys()));
  const asked = inWays(plain, ways);
  assert.deepEqual(asked.labels, plain.labels);
  for (let group = 0; group < count; group++) {
    const start = group * questionTokens;
    assert.equal(asked.tokens[start], plain.tokens[start]);
    for (const [place, from] of (WAYS[ways[group] ?? 0] ?? []).entries()) {
      assert.equal(asked.tokens[start + 1 + place], plain.tokens[start + 1 + from]);
    }
  }
});

test('three ways of all 48 questions are trained, the fourth is held out, and no pair of question and way is both', () => {
  for (const heldOutWay of WAYS.keys()) {
    const { trained, heldOut, others } = askedDomain(5, heldOutWay);
    assert.equal(new Set(pairsOf(trained)).size, 3 * questionsPerDomain);
    assert.deepEqual(new Set(heldOut.ways), new Set([heldOutWay]));
    assert.deepEqual(heldOut.questions, domainQuestions(5));
    assert.equal(new Set([...pairsOf(trained), ...pairsOf(heldOut)]).size, 4 * questionsPerDomain);
    assert.ok([...trained.questions].every((question) => domainOf(question) === 5));
    assert.ok([...others.questions].every((question) => domainOf(question) !== 5));
    for (const way of WAYS.keys()) assert.equal(others.ways.filter((one) => one === way).length, 84);
  }
});

test('32 blocks meet every domain with every held-out way once, 8 every domain once and every way twice', () => {
  const pairs = Array.from({ length: 32 }, (_, block) => blockOf(block));
  assert.equal(new Set(pairs.map(({ domain, heldOutWay }) => `${domain} ${heldOutWay}`)).size, 32);
  const first = pairs.slice(0, 8);
  assert.equal(new Set(first.map(({ domain }) => domain)).size, 8);
  for (const way of WAYS.keys()) assert.equal(first.filter(({ heldOutWay }) => heldOutWay === way).length, 2);
});

test('chosen places keep a question and its way together', () => {
  const { trained } = askedDomain(0, 2);
  const chosen = askedAt(trained, Int32Array.of(143, 0, 50));
  const all = pairsOf(trained);
  assert.deepEqual(pairsOf(chosen), [all[143], all[0], all[50]]);
});
