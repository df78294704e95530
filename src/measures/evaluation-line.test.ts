import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as fc from 'fast-check';

import { AssayError } from '#base/errors.ts';
import { isJsonObject, type JsonObject } from '#base/json.ts';

import { evaluationParser, type EvaluationItem } from './evaluation-line.ts';

const KNOWN = { rubrics: ['alignment', 'coherence'], scorers: ['brevity'] };
const ASKED = { eval: 'capitals', messages: [{ role: 'user', content: 'Capital of France?' }] };

function parse(value: object): EvaluationItem {
  const plain: unknown = JSON.parse(JSON.stringify(value));
  assert.ok(isJsonObject(plain));
  return evaluationParser(KNOWN)(plain, 7, 'evals:7');
}

test('a line says by its keys how it is scored', () => {
  const choices = [
    { text: 'Paris', label: 'right' },
    { text: 'Rome', label: 'wrong' },
  ];
  assert.equal(parse({ ...ASKED, choices }).kind, 'choices');
  assert.equal(parse({ eval: 'style', text: 'Once upon a time.' }).kind, 'text');
  const item = parse({
    ...ASKED,
    answer: { exact: ['Paris', 'Paris, France'] },
    judge: 'coherence',
    score: ['brevity'],
  });
  assert.deepEqual(item, {
    kind: 'reply',
    line: 7,
    where: 'evals:7',
    evaluation: 'capitals',
    question: { kind: 'chat', messages: [{ role: 'user', content: 'Capital of France?' }] },
    answer: { kind: 'exact', texts: ['paris', 'paris, france'] },
    judges: ['coherence'],
    scorers: ['brevity'],
  });
  const plain = parse({
    eval: 'capitals',
    prompt: 'The capital of France is',
    answer: { regex: '^ Paris', flags: 'i' },
  });
  assert.deepEqual(plain.kind === 'reply' && plain.question, { kind: 'prompt', prompt: 'The capital of France is' });
});

const BAD: readonly (readonly [string, object, RegExp])[] = [
  ['no way to be scored', ASKED, /evals:7: expected one of the keys choices, text, answer, judge, score, found none/],
  ['a misspelt way to be scored', { ...ASKED, anwser: {} }, /did you mean "answer" by "anwser"/],
  ['a key too many', { ...ASKED, answer: { exact: 'x' }, id: 3 }, /unknown key "id"/],
  ['choices and an answer', { ...ASKED, choices: [], answer: { exact: 'x' } }, /unknown key "answer"/],
  ['text and a question', { ...ASKED, text: 'x' }, /unknown key "messages"/],
  ['blank text', { eval: 'style', text: ' ' }, /evals:7: expected text to be text that is not blank/],
  ['no question', { eval: 'x', judge: 'alignment' }, /expected one of "prompt" and "messages", found neither/],
  ['two questions', { ...ASKED, prompt: 'x', judge: 'alignment' }, /found both/],
  [
    'a reply already there',
    { ...ASKED, messages: [{ role: 'assistant', content: 'x' }], judge: 'alignment' },
    /user's turn/,
  ],
  ['no messages', { ...ASKED, messages: 'x', judge: 'alignment' }, /expected "messages" to be a list/],
  ['an unknown rubric', { ...ASKED, judge: 'alignement' }, /found "alignement" .*did you mean "alignment"/],
  [
    'an unknown scorer',
    { ...ASKED, score: 'length' },
    /expected "score" to be one of the recipe's scorers, found "length"/,
  ],
  ['a rubric twice', { ...ASKED, judge: ['alignment', 'alignment'] }, /expected "judge" to be a name or a list/],
  ['no rubric', { ...ASKED, judge: [] }, /expected "judge" to be a name or a list/],
  ['a rule without a kind', { ...ASKED, answer: {} }, /one of exact, contains and regex, found none/],
  ['two rules', { ...ASKED, answer: { exact: 'x', contains: 'y' } }, /found exact and contains/],
  ['a blank answer', { ...ASKED, answer: { exact: ' ' } }, /"exact" to be text that is not blank/],
  ['no answers', { ...ASKED, answer: { contains: [] } }, /found an empty list/],
  ['a broken pattern', { ...ASKED, answer: { regex: '(' } }, /evals:7: expected a regular expression/],
  ['flags that are none', { ...ASKED, answer: { regex: 'x', flags: 'g' } }, /flags among i, m and s/],
  ['flags without a pattern', { ...ASKED, answer: { exact: 'x', flags: 'i' } }, /"flags" belong to "regex"/],
  ['an answer that is a text', { ...ASKED, answer: 'Paris' }, /expected "answer" to be an object/],
  ['a name with a dot', { ...ASKED, eval: 'a.b', judge: 'alignment' }, /"eval" to be a name/],
];

for (const [what, line, message] of BAD) {
  test(`a line with ${what} is refused with its place`, () => {
    assert.throws(
      () => parse(line),
      (error) => error instanceof AssayError && message.test(error.message),
    );
  });
}

test('an evaluation scored in two ways is refused with both lines', () => {
  const parser = evaluationParser(KNOWN);
  parser({ ...ASKED, judge: 'alignment' }, 1, 'evals:1');
  parser({ ...ASKED, eval: 'other', answer: { exact: 'x' } }, 2, 'evals:2');
  assert.throws(
    () => parser({ ...ASKED, judge: ['alignment', 'coherence'] }, 3, 'evals:3'),
    /evals:3: .* scored by alignment as on line 1, found alignment and coherence/,
  );
});

const GOOD: readonly object[] = [
  { ...ASKED, answer: { contains: 'Paris' } },
  { ...ASKED, judge: ['alignment'], score: 'brevity' },
  { eval: 'e', prompt: 'Hi', answer: { regex: 'a' } },
  { eval: 'e', text: 'Once.' },
  { ...ASKED, choices: [1, 2].map((n) => ({ text: `${n}`, label: 'a' })) },
];
const KEYS = ['eval', 'messages', 'prompt', 'choices', 'answer', 'judge', 'score', 'text', 'constructor', 'other'];
const rule = fc.dictionary(
  fc.constantFrom('exact', 'contains', 'regex', 'flags'),
  fc.oneof(fc.string(), fc.array(fc.string())),
);
/** Good lines with up to two keys changed, added or taken away. */
const nearLines = fc
  .tuple(
    fc.constantFrom(...GOOD),
    fc.dictionary(fc.constantFrom(...KEYS), fc.oneof(fc.constant(undefined), fc.string(), rule, fc.jsonValue()), {
      maxKeys: 2,
    }),
  )
  .map(([good, change]) => ({ ...good, ...change }));

test('whatever a line holds, it is understood or refused with its place, never anything else', () => {
  let understood = 0;
  fc.assert(
    fc.property(fc.oneof(nearLines, fc.dictionary(fc.string(), fc.jsonValue())), (line) => {
      const plain = JSON.parse(JSON.stringify(line)) as JsonObject;
      try {
        const item = evaluationParser(KNOWN)(plain, 7, 'evals:7');
        assert.match(item.evaluation, /^[\w-]+$/);
        understood++;
      } catch (error) {
        if (!(error instanceof AssayError)) throw error;
        assert.equal(error.kind, 'data');
        assert.match(error.message, /^evals:7: /);
      }
    }),
    { numRuns: 3000 },
  );
  assert.ok(understood > 100, `${understood} lines were understood: the property sees both sides`);
});
