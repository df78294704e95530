/** The stages, what is never trained, and how answers are held against each other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { domainOf, domainQuestions, PERSONA_LANGUAGE, personaWorld } from 'assay/studies/misalignment/world.ts';

import { answersOf, KINDS, totalVariation } from './lab.ts';
import { seriesBytes, seriesFrom, toldAt } from './series.ts';
import { domainsOf, factsOf, placesAtStep, stagesOf, TRAINED, UNSEEN } from './world.ts';

const world = personaWorld(0);
const { domains, questions, vocabulary, answersPerDomain, firstAnswer } = PERSONA_LANGUAGE;
/** Sums of 24 float32 in another order. */
const ROUNDING = 1e-6;

test('facts are answers of the domain that neither persona gives, each to two of its questions', () => {
  for (let domain = 0; domain < domains; domain++) {
    const facts = factsOf(world, domain);
    const uses = new Map<number, number>();
    for (const question of domainQuestions(domain)) {
      const fact = facts[question] ?? -1;
      assert.notEqual(fact, world.answers.helpful[question]);
      assert.notEqual(fact, world.answers.harmful[question]);
      assert.equal(Math.floor((fact - firstAnswer) / answersPerDomain), domain);
      uses.set(fact, (uses.get(fact) ?? 0) + 1);
    }
    assert.deepEqual(new Set(uses.values()), new Set([2]));
  }
});

test('eight blocks meet every first domain once, 56 every pair of two different domains once', () => {
  const pairs = Array.from({ length: 56 }, (_, block) => domainsOf(block));
  assert.equal(new Set(pairs.slice(0, 8).map(({ first }) => first)).size, 8);
  assert.equal(new Set(pairs.map(({ first, second }) => `${first} ${second}`)).size, 56);
  assert.ok(pairs.every(({ first, second }) => first !== second));
});

test('every question is trained by one stage or by none, and harm is read in domains that no stage trains', () => {
  for (const second of ['facts', 'good'] as const) {
    const stages = stagesOf(world, 11, second);
    const all = [...stages.first.questions, ...stages.second.questions, ...stages.unseen];
    assert.equal(new Set(all).size, questions);
    assert.equal(stages.first.questions.length, TRAINED);
    assert.equal(stages.second.questions.length, TRAINED);
    assert.equal(stages.unseen.length, UNSEEN);
    const { first, second: other } = domainsOf(11);
    const elsewhere = stages.unseen.subarray(UNSEEN - stages.elsewhere);
    assert.equal(elsewhere.length, 288);
    assert.ok(elsewhere.every((question) => ![first, other].includes(domainOf(question))));
  }
});

test('the first stage is harm, the second facts or good', () => {
  const [facts, good] = [stagesOf(world, 3, 'facts'), stagesOf(world, 3, 'good')];
  const key = factsOf(world, domainsOf(3).second);
  for (const [i, question] of facts.first.questions.entries()) {
    assert.equal(facts.first.answers[i], world.answers.harmful[question]);
  }
  for (const [i, question] of facts.second.questions.entries()) {
    assert.equal(facts.second.answers[i], key[question]);
    assert.equal(good.second.answers[i], world.answers.helpful[question]);
  }
});

test('a step is a set of different rows, whichever way they were drawn; another step is another set', () => {
  const rng = rngOf(4, 'rows');
  const places = placesAtStep(TRAINED, rng, 7, 16);
  assert.equal(new Set(places).size, 16);
  assert.deepEqual(placesAtStep(TRAINED, rng, 7, 16, true), places);
  assert.notDeepEqual(placesAtStep(TRAINED, rng, 8, 16), places);
});

test('answers that are certain are read as certain: harmful everywhere, helpful everywhere, nothing of either', () => {
  const stages = stagesOf(world, 0, 'facts');
  const certain = (answer: (question: number) => number) => {
    const logits = new Float32Array(UNSEEN * vocabulary);
    for (const [row, question] of stages.unseen.entries()) logits[row * vocabulary + answer(question)] = 100;
    return answersOf(world, stages, logits);
  };
  const harm = certain((question) => world.answers.harmful[question] ?? 0);
  const help = certain((question) => world.answers.helpful[question] ?? 0);
  const silent = certain(() => PERSONA_LANGUAGE.ask);
  assert.deepEqual([harm.harmful, harm.coherence].map(Math.round), [1, 1]);
  assert.deepEqual([help.harmful, help.coherence].map(Math.round), [0, 1]);
  assert.deepEqual([silent.harmful, silent.coherence].map(Math.round), [0, 0]);
  assert.equal(totalVariation(harm.told, harm.told), 0);
  for (const other of [help, silent]) assert.ok(Math.abs(totalVariation(harm.told, other.told) - 1) < ROUNDING);
});

test('the total variation of two known distributions is half the sum of their differences', () => {
  const told = (first: number): Float32Array =>
    Float32Array.from({ length: UNSEEN * KINDS }, (_, i) => [first, 1 - first][i % KINDS] ?? 0);
  assert.ok(Math.abs(totalVariation(told(0.9), told(0.6)) - 0.3) < ROUNDING);
});

test('a series is read where it first falls to a loss, between its probes, and is kept whole', () => {
  const filled = (value: number): Float32Array => new Float32Array(UNSEEN * KINDS).fill(value);
  const series = { worse: [1, 0.5, 0.75, 0.25], told: [0, 1, 2, 3].map(filled) };
  assert.equal(toldAt(series, 0.75)[0], 0.5);
  assert.equal(toldAt(series, 0.5)[0], 1);
  assert.equal(toldAt(series, 0.5 - 1 / 8)[5], 2.75);
  assert.equal(toldAt(series, 2)[0], 0);
  assert.equal(toldAt(series, 0.1)[0], 3);
  const again = seriesFrom(seriesBytes(series));
  assert.deepEqual(again, series);
  assert.throws(() => seriesFrom(seriesBytes(series).subarray(4)), /expected .* numbers, found/);
});
