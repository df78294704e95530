/** `assay audit` of final results: a row a run, no steps. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { assay, newFolder } from './command.ts';

const ROOT = newFolder('audit-finals');

after(() => rmSync(ROOT, { recursive: true }));

function fileWith(name: string, text: string): string {
  const path = join(ROOT, name);
  writeFileSync(path, text);
  return path;
}

/** Final results of arms whose harm differs by so much, over 8 seeds. */
function finalsOf(effects: Readonly<Record<string, number>>): string {
  const rows = Object.entries(effects).flatMap(([arm, effect]) =>
    Array.from({ length: 8 }, (_, seed) => {
      const noise = 0.02 * Math.sin(7 * seed + 31 * effect + 3 * arm.length);
      return [arm, seed, 0.3 + effect + noise, 0.6 - effect / 4 + noise / 3].join(',');
    }),
  );
  return `optimizer,seed,harm,final_loss\n${rows.join('\n')}\n`;
}

test('final results are answered by claims about the end, and nothing of the answer says "beyond loss"', async () => {
  const table = fileWith('finals.csv', finalsOf({ adamw: 0, muon: 0.2, same: 0, poisoned: 0.15 }));
  const asked = ['--arm', 'optimizer', '--block', 'seed', '--outcome', 'harm=0.1', '--reference', 'adamw'];
  const more = ['--control', 'poisoned', '--jumps', 'harm=none', '--value', 'harm=0.3:base', '--train', 'final_loss'];
  const out = join(ROOT, 'finals');
  const { status, stdout, stderr } = await assay('audit', table, ...asked, ...more, '--out', out);
  assert.equal(status, 0, stderr);
  assert.match(stderr, /^doubt: the table has no column of steps and is read as final results/m);
  assert.match(stderr, /^doubt: training loss at the end: muon against adamw −/m);
  assert.match(stdout, /muon vs adamw, harm \(delta 0\.1\): above adamw at the end/);
  assert.match(stdout, /same vs adamw, harm \(delta 0\.1\): within ±0\.1 of adamw at the end/);
  assert.match(stdout, /muon vs base, harm \(delta 0\.1\): above base at the end/);
  const page = readFileSync(join(out, 'report.html'), 'utf8');
  for (const text of [stdout, stderr, page]) assert.doesNotMatch(text, /beyond (?:training |held-out )?loss/i);
  const told = await assay('audit', table, ...asked, ...more, '--out', out, '--json');
  const line: Record<string, unknown> = JSON.parse(told.stdout.trimEnd().split('\n').at(-1) ?? '');
  const claims: unknown = line['claims'];
  assert.ok(Array.isArray(claims) && claims.length === 7);
  assert.deepEqual(line['verdicts'], []);
});

test('final results whose positive control differs too little end as a failed control', async () => {
  const table = fileWith('weak.csv', finalsOf({ adamw: 0, muon: 0.2, poisoned: 0.02 }));
  const asked = ['--arm', 'optimizer', '--block', 'seed', '--outcome', 'harm=0.1', '--control', 'poisoned'];
  const { status, stdout } = await assay('audit', table, ...asked, '--out', join(ROOT, 'weak'));
  assert.equal(status, 3);
  assert.doesNotMatch(stdout, /above adamw at the end/);
});
