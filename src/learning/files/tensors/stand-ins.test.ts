/** Files that are not what their name says, as users come by them: each has its own message. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { AssayError } from '#base/errors.ts';

import { parseStrictJson } from '#base/strict-json.ts';
import { openFile } from './byte-source.ts';
import { openSafetensors } from './safetensors.ts';

const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 74096\n`;

const STAND_INS: readonly (readonly [what: string, content: string, message: RegExp])[] = [
  ['a Git LFS pointer', POINTER, /is a Git LFS pointer, not the file: run "git lfs pull"/],
  ['nothing', '', /is empty: its download or copy did not finish/],
  ['an HTML page', '\n<!DOCTYPE html>\n<html><head>', /is an HTML page, not the file/],
  ['an HTML page without a doctype', '<html lang="en">', /is an HTML page, not the file/],
  ['an XML error', '<?xml version="1.0"?><Error><Code>AccessDenied</Code>', /is an XML page, not the file/],
];

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'assay-stand-ins-'));
});
after(async () => {
  await rm(folder, { recursive: true });
});

const refused = (message: RegExp) => (thrown: unknown) => thrown instanceof AssayError && message.test(thrown.message);

for (const [what, content, message] of STAND_INS) {
  test(`${what} in the place of a file is said`, async () => {
    const path = join(folder, 'model.safetensors');
    await writeFile(path, content);
    await assert.rejects(() => openFile(path), refused(message));
  });
}

test('text in the place of tensors is quoted', async () => {
  const path = join(folder, 'text.safetensors');
  await writeFile(path, 'Entry not found');
  await assert.rejects(() => openSafetensors(path), refused(/it starts with the text "Entry no"/));
});

test('JSON with a byte order mark is the same JSON; UTF-16 and UTF-32 are named', () => {
  const json = '{"a": "\uFEFFkept inside"}';
  const utf8 = new TextEncoder().encode(`\uFEFF${json}`);
  assert.deepEqual(parseStrictJson(utf8, 'x'), { a: '\uFEFFkept inside' });
  for (const bytes of [
    Buffer.from(`\uFEFF${json}`, 'utf16le'),
    Buffer.from(json, 'utf16le'),
    Buffer.from(`\uFEFF${json}`, 'utf16le').swap16(),
    Buffer.from(json, 'utf16le').swap16(),
    Buffer.from([0xff, 0xfe, 0, 0, 0x7b, 0, 0, 0]),
  ]) {
    assert.throws(() => parseStrictJson(bytes, 'x'), refused(/x: expected UTF-8 text, found UTF-16 or UTF-32/));
  }
  assert.throws(() => parseStrictJson(new Uint8Array(), 'x'), refused(/found an empty file/));
});

test('a byte order mark before the header of safetensors is refused, as the format demands', async () => {
  const path = join(folder, 'marked.safetensors');
  const header = Buffer.from('\uFEFF{}');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.byteLength));
  await writeFile(path, Buffer.concat([length, header]));
  await assert.rejects(() => openSafetensors(path), refused(/header to start with \{/));
});
