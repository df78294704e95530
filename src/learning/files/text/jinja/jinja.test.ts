import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import * as fc from 'fast-check';

import { AssayError, messageOf } from '#base/errors.ts';
import type { TemplateMessage } from '#learning/files/text/chat-template.ts';
import { chatTemplate } from '#learning/files/text/chat-template.ts';

import { reprFloat } from './printing.ts';

const FIXTURES = join(import.meta.dirname, '../../../../../test/fixtures/chat');

interface Cases {
  readonly messages: TemplateMessage[];
  readonly cases: readonly { readonly template: string; readonly text?: string; readonly error?: string }[];
}

/** What jinja2 renders and Assay refuses by name: escaping, blocks, printed addresses, rare methods. */
const REFUSED =
  /is not supported|could not be read: line 1: (the tag|the end of a raw block is missing)|access to attribute '__class__'|item pairs from a mapping/;

test('every feature of the table renders what jinja2 renders, or is refused', async () => {
  const { messages, cases }: Cases = JSON.parse(await readFile(join(FIXTURES, 'jinja.json'), 'utf8'));
  assert.ok(cases.length > 600);
  let refused = 0;
  for (const { template, text } of cases) {
    const render = (): string => chatTemplate(template, { bos_token: '<s>' }).render(messages);
    try {
      assert.equal(render(), text, template);
    } catch (thrown) {
      assert.ok(thrown instanceof AssayError, `${template}: ${messageOf(thrown)}`);
      if (text === undefined) continue;
      refused++;
      assert.match(thrown.message, REFUSED, template);
    }
  }
  assert.equal(refused, 20);
});

test('a template that fills the memory or never ends in itself is refused', () => {
  const endless = [
    "{{ 'a' * 999999999 }}",
    '{% set ns = namespace(x="ab") %}{% for i in range(64) %}{% set ns.x = ns.x + ns.x %}{% endfor %}',
    '{% set ns = namespace(x=[1]) %}{% for i in range(64) %}{% set ns.x = ns.x + ns.x %}{% endfor %}',
    '{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}',
    `{{ ${'('.repeat(20_000)}1${')'.repeat(20_000)} }}`,
    '{{ 2 ** 99 }}',
    "{{ 'a'.ljust(999999999) }}",
    "{{ 'a'|indent(999999999) }}",
    // Each value is small enough, and all are kept.
    '{% set ns = namespace(x=[]) %}{% for i in range(100000) %}{% set ns.x = ns.x + [("a" * (60000000 - i))|upper] %}{% endfor %}',
    '{% set ns = namespace(x=[]) %}{% for i in range(100000) %}{% set ns.x = ns.x + [range(100000)|list] %}{% endfor %}',
    '{% for i in range(100000) %}{% for j in range(100000) %}{{ "abcdefgh" }}{% endfor %}{% endfor %}',
  ];
  for (const template of endless) assert.throws(() => chatTemplate(template, {}).render([]), AssayError, template);
});

test('any text and any numbers of a conversation come out of a template as they went in', () => {
  const template = chatTemplate('{% for m in messages %}{{ m.content }}{{ m.extra | tojson }}{% endfor %}', {});
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 2 }), (content, extra) => {
      const text = template.render([{ role: 'user', content, extra: JSON.parse(JSON.stringify({ extra })) }]);
      assert.ok(text.startsWith(content));
      assert.deepEqual(JSON.parse(text.slice(content.length)), { extra: JSON.parse(JSON.stringify(extra)) });
    }),
  );
});

test('floats are written with the digits that read back as the same number', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      assert.ok(Object.is(Number(reprFloat(value)), value), reprFloat(value));
    }),
  );
});

test('any text is a template that renders or is refused with an AssayError', () => {
  const piece = fc.constantFrom(
    '{{',
    '}}',
    '{%',
    '%}',
    '{#',
    '#}',
    '-',
    'if',
    'for',
    ' ',
    'x',
    'in',
    '[1]',
    '(',
    ')',
    "'",
    'end',
    'endif',
    'endfor',
    'else',
    '|',
    'is',
    '\n',
    '1',
    '.',
    ',',
    '=',
    'set',
    'raw',
    'endraw',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => {
      try {
        chatTemplate(pieces.join(' '), {}).render([]);
      } catch (thrown) {
        assert.ok(thrown instanceof AssayError, messageOf(thrown));
      }
    }),
    { numRuns: 2000 },
  );
});
