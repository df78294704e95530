/** What the pages say to type: options that the commands have, and programs that the Node at hand runs. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { said } from '../../src/cli/said-fixture.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const PAGES = globSync(['README.md', 'docs/*.md', 'docs/guide/*.md', 'studies/*/README.md'], { cwd: ROOT }).toSorted();

/** Words as a shell takes them apart: quotes hold words together, # begins a comment. */
function wordsOf(line: string): readonly string[] {
  const words = line.match(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g) ?? [];
  const comment = words.findIndex((word) => word.startsWith('#'));
  return words.slice(0, comment < 0 ? undefined : comment).map((word) => word.replaceAll(/['"]/g, ''));
}

function commandsOf(page: string): readonly (readonly string[])[] {
  const text = readFileSync(join(ROOT, page), 'utf8').replaceAll(/ *\\\n\s*/g, ' ');
  return [...text.matchAll(/^ {4,}npx assay (.+)$|`(?:npx )?assay ([^`]+)`/gm)]
    .map(([, shown, inline]) => wordsOf((shown ?? inline ?? '').split(/[|;]| && /)[0] ?? ''))
    .filter(([name = '']) => /^[a-z]+$/.test(name));
}

test('commands on the pages have options that there are', async () => {
  let count = 0;
  for (const page of PAGES) {
    for (const words of commandsOf(page)) {
      // Parsed as it stands, and helped instead of run.
      const { status, notes } = await said(...words, '--help');
      assert.equal(status, 0, `${page}: assay ${words.join(' ')}: ${notes}`);
      count++;
    }
  }
  assert.ok(count > 100, `${count} commands`);
});

test('pages run TypeScript by the Node that npm brings, not by whatever Node is installed', () => {
  for (const page of PAGES) {
    const text = readFileSync(join(ROOT, page), 'utf8');
    const [found = ''] = /(?<!npx )\bnode (?:[\w/]+\/)?[\w-]+\.ts\b/.exec(text) ?? [];
    assert.equal(found, '', page);
  }
});

test('the program in docs/guide/07-checkpoints.md reads a checkpoint as it stands there', async () => {
  const page = readFileSync(join(ROOT, 'docs/guide/07-checkpoints.md'), 'utf8');
  const code = /```js\n([\s\S]*?)```/.exec(page)?.[1] ?? assert.fail('the page has no program');
  const folder = mkdtempSync(join(import.meta.dirname, 'guide-'));
  const fixture = (path: string, name: string): void =>
    cpSync(join(ROOT, 'test/fixtures', path), join(folder, name), { recursive: true });
  try {
    fixture('towers/clip', 'clip');
    fixture('images/rgb.png', 'cube.png');
    fixture('images/420.jpg', 'sphere.jpg');
    writeFileSync(
      join(folder, 'towers.mjs'),
      `${code}\nconsole.log(site, of, values.length / width, texts.readings.length);\n`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, ['towers.mjs'], { cwd: folder });
    assert.match(stdout, /^vision_model\.projected \w+ 2 \d+\n$/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
