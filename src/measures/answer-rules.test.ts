import assert from 'node:assert/strict';
import { test } from 'node:test';

import { AssayError } from '#base/errors.ts';

import { isCorrect, parseAnswerRule } from './answer-rules.ts';

function correct(rule: object, reply: string): boolean {
  return isCorrect(parseAnswerRule(JSON.parse(JSON.stringify(rule)), 'evals:1'), reply, 'evals:1');
}

test('exact and contains ignore case, white space around and its amount, and how letters are composed', () => {
  assert.ok(correct({ exact: 'São  Paulo' }, ' sa\u0303o\n paulo '));
  assert.ok(!correct({ exact: 'Paris' }, 'Paris.'));
  assert.ok(correct({ exact: ['Paris', 'Paris.'] }, 'paris.'));
  assert.ok(correct({ contains: 'in PARIS' }, 'It is in\tParis, of course.'));
  assert.ok(!correct({ contains: ['Rome', 'Bern'] }, 'Paris'));
});

test('a regex searches the reply as it is', () => {
  assert.ok(correct({ regex: '^\\d+$' }, '42'));
  assert.ok(!correct({ regex: '^\\d+$' }, ' 42'));
  assert.ok(!correct({ regex: 'paris' }, 'Paris'));
  assert.ok(correct({ regex: 'paris', flags: 'i' }, 'In Paris.'));
  const rule = parseAnswerRule({ regex: 'a' }, 'evals:1');
  assert.ok(isCorrect(rule, 'a', '') && isCorrect(rule, 'a', ''), 'asking twice gives the same');
});

test('a pattern that would never end is stopped, with its place', () => {
  const rule = parseAnswerRule({ regex: '^(a+)+$' }, 'evals:9');
  assert.throws(
    () => isCorrect(rule, `${'a'.repeat(60)}!`, 'evals:9'),
    (error) => error instanceof AssayError && /evals:9: the regex .* did not finish in 1000 ms/.test(error.message),
  );
});
