import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { importStudy } from './import-study.ts';

const ROOT = mkdtempSync(join(tmpdir(), 'assay-import-'));

after(() => rmSync(ROOT, { recursive: true }));

/** The message with which a file of these lines is refused. */
async function refusalOf(name: string, ...lines: readonly string[]): Promise<string> {
  const path = join(ROOT, name);
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
  return importStudy(pathToFileURL(path).href).then(
    () => assert.fail('nothing was refused'),
    (error: unknown) => {
      assert.ok(error instanceof Error && error.name === 'AssayError', String(error));
      return error.message.replaceAll(ROOT, '');
    },
  );
}

const HEAD = "import { defineStudy } from 'assay';";
const BROKEN = [HEAD, '', 'export default defineStudy({', "  name 'x',", '});'];

test('a syntax error is said with its file and line, in TypeScript and in JavaScript', async () => {
  assert.match(await refusalOf('types.ts', ...BROKEN), /^Cannot import the study \/types\.ts: \/types\.ts:4: /);
  assert.match(await refusalOf('plain.mjs', ...BROKEN), /^Cannot import the study \/plain\.mjs: \/plain\.mjs:4: /);
  assert.match(await refusalOf('plain.js', ...BROKEN), /^Cannot import the study \/plain\.js: \/plain\.js:4: /);
});

test('a syntax error in a file that the study imports is said with that file', async () => {
  writeFileSync(join(ROOT, 'world.ts'), 'export const x = 1;\nexport const y = ;\n');
  assert.match(
    await refusalOf('outer.ts', "import { x } from './world.ts';", 'export default x;'),
    /: \/world\.ts:2: /,
  );
  writeFileSync(join(ROOT, 'world.mjs'), 'export const x = 1;\n\nexport const y = ;\n');
  assert.match(
    await refusalOf('outer.mjs', "import { x } from './world.mjs';", 'export default x;'),
    /: \/world\.mjs:3: /,
  );
});

test('what a study throws, what it misses and what it misspells is said with its line', async () => {
  const thrown = await refusalOf('throws.ts', 'const nothing: any = undefined;', '', 'export default nothing.x;');
  assert.match(thrown, /: \/throws\.ts:3: Cannot read properties of undefined/);
  const missing = await refusalOf('missing.ts', "import './nowhere.ts';", 'export default 1;');
  assert.match(missing, /^Cannot import the study \/missing\.ts: Cannot find module '\/nowhere\.ts'/);
  const misspelt = await refusalOf(
    'misspelt.ts',
    '',
    "import { defineStduy } from 'assay';",
    'export default defineStduy({});',
  );
  assert.match(misspelt, /: \/misspelt\.ts:2: .*'assay' does not provide an export named 'defineStduy'/);
});

test('a default export is checked whole, whether the file called defineStudy or not', async () => {
  assert.match(
    await refusalOf('none.ts', 'export const x = 1;'),
    /\/none\.ts: expected "export default defineStudy.*no default export/,
  );
  assert.match(await refusalOf('number.ts', 'export default 7;'), /found 7 as its default export/);
  const parts = "name: 'x', question: 'Why?', scope: 's', outcomes: [], arms: [{ name: 'a' }]";
  for (const file of [
    await refusalOf('bare.ts', `export default { ${parts} };`),
    await refusalOf('called.ts', HEAD, `export default defineStudy({ ${parts} });`),
  ]) {
    for (const part of [
      'recipe: missing',
      'profiles: missing',
      'arms[0].label: missing',
      'outcomes: expected at least one',
    ]) {
      assert.ok(file.includes(part), file);
    }
  }
});
