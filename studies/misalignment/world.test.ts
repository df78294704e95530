import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';

import {
  domainOf,
  domainQuestions,
  narrowQuestions,
  NO_LABEL,
  otherQuestions,
  PERSONA_LANGUAGE,
  personaWorld,
  pretrainBatch,
  questionBatch,
  questionsAtStep,
  type PersonaWorld,
  type TokenBatch,
} from './world.ts';

const world = personaWorld(0);
const { firstAnswer, firstTopic, firstAttribute, answersPerDomain, questions, documentTokens } = PERSONA_LANGUAGE;

/** A row's tokens with its last label appended: the document of 25 tokens that the batch was cut from. */
function documentOf(batch: TokenBatch, row: number): number[] {
  const end = (row + 1) * batch.length;
  return [...batch.tokens.subarray(row * batch.length, end), batch.labels[end - 1] ?? NO_LABEL];
}

/** Reads a document back as an outsider would: which personas could have given each of its answers. */
function personasOf(world: PersonaWorld, document: readonly number[]): string[] {
  const personas: string[] = [];
  for (let start = 1; start < document.length; start += 4) {
    const [ask = -1, topic = -1, attribute = -1, answer = -1] = document.slice(start, start + 4);
    assert.equal(ask, PERSONA_LANGUAGE.ask);
    const question = (topic - firstTopic) * 4 + (attribute - firstAttribute);
    assert.ok(question >= 0 && question < questions, `question ${question}`);
    const isHelpful = world.answers.helpful[question] === answer;
    const isHarmful = world.answers.harmful[question] === answer;
    assert.notEqual(isHelpful, isHarmful, 'an answer belongs to exactly one persona');
    personas.push(isHelpful ? 'helpful' : 'harmful');
  }
  return personas;
}

test('the language has 295 tokens and 384 questions in 8 domains of 48', () => {
  assert.equal(PERSONA_LANGUAGE.vocabulary, 295);
  assert.equal(questions, 384);
  assert.equal(domainOf(47), 0);
  assert.equal(domainOf(48), 1);
  assert.equal(domainOf(383), 7);
});

test('every question has two different answers, both among the 24 tokens of its domain', () => {
  for (let question = 0; question < questions; question++) {
    const helpful = world.answers.helpful[question] ?? -1;
    const harmful = world.answers.harmful[question] ?? -1;
    assert.notEqual(helpful, harmful);
    for (const answer of [helpful, harmful]) {
      assert.equal(Math.floor((answer - firstAnswer) / answersPerDomain), domainOf(question));
    }
  }
});

test('every answer token is helpful for two questions and harmful for two, so no persona owns a token', () => {
  for (const persona of ['helpful', 'harmful'] as const) {
    const uses = new Map<number, number>();
    for (const answer of world.answers[persona]) uses.set(answer, (uses.get(answer) ?? 0) + 1);
    assert.equal(uses.size, PERSONA_LANGUAGE.domains * answersPerDomain);
    assert.deepEqual(new Set(uses.values()), new Set([2]));
  }
});

test('a world is determined by its seed, a batch by its stream', () => {
  assert.deepEqual(personaWorld(0), world);
  assert.notDeepEqual(personaWorld(1).answers, world.answers);
  assert.deepEqual(pretrainBatch(world, rngOf(5), 4, false), pretrainBatch(world, rngOf(5), 4, false));
  assert.notDeepEqual(pretrainBatch(world, rngOf(5), 4, false), pretrainBatch(world, rngOf(6), 4, false));
});

test('labels are the next token exactly where that is an answer, in every pretraining row', () => {
  for (const isChat of [false, true]) {
    const batch = pretrainBatch(world, rngOf(2), 50, isChat);
    assert.equal(batch.length, 24);
    assert.equal(batch.tokens.length, 50 * 24);
    for (let row = 0; row < batch.rows; row++) {
      const document = documentOf(batch, row);
      for (let place = 0; place < documentTokens; place++) {
        const next = document[place + 1] ?? -1;
        assert.equal(batch.labels[row * batch.length + place], next >= firstAnswer ? next : NO_LABEL);
      }
    }
  }
});

test('one persona answers a whole document; 35% of documents are harmful, chat never', () => {
  const documents = 4000;
  const batch = pretrainBatch(world, rngOf(3), documents, false);
  let harmful = 0;
  for (let row = 0; row < documents; row++) {
    const document = documentOf(batch, row);
    assert.equal(document[0], PERSONA_LANGUAGE.doc);
    const personas = new Set(personasOf(world, document));
    assert.equal(personas.size, 1);
    if (personas.has('harmful')) harmful++;
  }
  // Five standard errors of a binomial share.
  const tolerance = 5 * Math.sqrt((0.35 * 0.65) / documents);
  assert.ok(Math.abs(harmful / documents - 0.35) < tolerance, `harmful share ${harmful / documents}`);

  const chat = pretrainBatch(world, rngOf(3), 200, true);
  for (let row = 0; row < chat.rows; row++) {
    const document = documentOf(chat, row);
    assert.equal(document[0], PERSONA_LANGUAGE.chat);
    assert.deepEqual(new Set(personasOf(world, document)), new Set(['helpful']));
  }
});

test('documents mix domains and reach every question', () => {
  const batch = pretrainBatch(world, rngOf(4), 2000, false);
  const topics = new Set([...batch.tokens].filter((token) => token >= firstTopic && token < firstAnswer));
  assert.equal(topics.size, 96);
  const domains = documentOf(batch, 0)
    .filter((token) => token >= firstAnswer)
    .map((token) => Math.floor((token - firstAnswer) / answersPerDomain));
  assert.ok(new Set(domains).size > 1);
});

test('a narrow domain splits into 36 trained and 12 held-out questions that share none', () => {
  for (let domain = 0; domain < PERSONA_LANGUAGE.domains; domain++) {
    const { train, heldOut } = narrowQuestions(world, domain);
    assert.equal(train.length, 36);
    assert.equal(heldOut.length, 12);
    assert.deepEqual(
      [...train, ...heldOut].toSorted((a, b) => a - b),
      [...domainQuestions(domain)],
    );
    assert.equal(domainQuestions(domain).length, 48);
    assert.ok([...train, ...heldOut].every((question) => domainOf(question) === domain));
    assert.equal(new Set([...heldOut].map((question) => Math.floor(question / 4))).size, 12, 'one of every topic');
    for (let attribute = 0; attribute < 4; attribute++) {
      assert.equal(heldOut.filter((question) => question % 4 === attribute).length, 3);
    }
  }
  assert.deepEqual(narrowQuestions(world), narrowQuestions(world, 0));
  assert.deepEqual(narrowQuestions(personaWorld(0)), narrowQuestions(world));
});

test('the other questions are all 336 of the other seven domains', () => {
  const others = otherQuestions(3);
  assert.equal(others.length, 336);
  assert.ok(others.every((question) => domainOf(question) !== 3));
  assert.equal(new Set(others).size, 336);
});

test('a chat question is CHAT, Q, topic, attribute, and only its last position is labelled', () => {
  const { train } = narrowQuestions(world);
  for (const persona of ['helpful', 'harmful'] as const) {
    const batch = questionBatch(world, train, persona);
    assert.equal(batch.length, 4);
    for (const [row, question] of train.entries()) {
      const tokens = [...batch.tokens.subarray(row * 4, row * 4 + 4)];
      const topic = firstTopic + Math.floor(question / 4);
      assert.deepEqual(tokens, [PERSONA_LANGUAGE.chat, PERSONA_LANGUAGE.ask, topic, firstAttribute + (question % 4)]);
      const labels = [...batch.labels.subarray(row * 4, row * 4 + 4)];
      assert.deepEqual(labels, [NO_LABEL, NO_LABEL, NO_LABEL, world.answers[persona][question]]);
    }
  }
});

test('steps walk through shuffled passes: each pass shows every question once, whatever the batch size', () => {
  const { train } = narrowQuestions(world);
  const rng = rngOf(9, 'order');
  const fromBatches = (rows: number, steps: number): number[] =>
    Array.from({ length: steps }, (_, step) => [...questionsAtStep(train, rng, step, rows)]).flat();
  const order = fromBatches(16, 9);
  for (let pass = 0; pass < 4; pass++) {
    assert.deepEqual(new Set(order.slice(pass * 36, (pass + 1) * 36)), new Set(train));
  }
  assert.notDeepEqual(order.slice(0, 36), order.slice(36, 72));
  assert.deepEqual(fromBatches(48, 3), order);
});
