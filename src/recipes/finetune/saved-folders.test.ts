/** Where trained models and adapters cannot be saved, that is said before anything is trained. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import type { JsonObject } from '#base/json.ts';
import { FINETUNE_DEFAULTS } from './config.ts';
import { finetune } from './finetune.ts';

const ROOT = mkdtempSync(join(tmpdir(), 'assay-saved-'));
/** A user without rights: root may write anywhere. */
const NOBODY = 65_534;

function check(save: JsonObject, more: JsonObject = {}): void {
  finetune().check({ ...FINETUNE_DEFAULTS, model: 'm', data: 'd', evals: 'e', ...more, save });
}

/** The message of a refusal. */
function refusal(save: JsonObject, more: JsonObject = {}): string {
  try {
    check(save, more);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return assert.fail('not refused');
}

writeFileSync(join(ROOT, 'file'), '');
symlinkSync(join(ROOT, 'nowhere'), join(ROOT, 'link'));
mkdirSync(join(ROOT, 'there'));

const IN_THE_WAY: readonly (readonly [name: string, path: string])[] = [
  ['file', join(ROOT, 'file')],
  ['file', join(ROOT, 'file/below/it')],
  ['link', join(ROOT, 'link')],
  ['link', join(ROOT, 'link/below')],
];

for (const setting of ['adapter', 'model'] as const) {
  const saved = (path: string): JsonObject => ({ adapter: '', model: '', [setting]: path });

  test(`save.${setting} may be any folder that is there or can be made, or none`, () => {
    for (const path of ['', join(ROOT, 'there'), join(ROOT, 'there/new/one'), join(ROOT, 'new')]) {
      assert.match(refusal(saved(path)), /^(?!save\.).*expected a language model/s, 'only the model is amiss');
    }
  });

  test(`save.${setting} names what stands where a folder is needed, beneath it too`, () => {
    for (const [name, path] of IN_THE_WAY) {
      assert.equal(
        refusal(saved(path)),
        `save.${setting}: expected a folder that can be written to, found a file or a broken link at ${join(ROOT, name)}.`,
      );
    }
    for (const path of ['hf://org/name', 'study:misalignment/data']) {
      assert.match(
        refusal(saved(path)),
        new RegExp(`^save.${setting}: .*found ${path}, which is no path on this machine`),
      );
    }
  });

  test(`save.${setting} names what no folder can be called`, () => {
    for (const name of ['m'.repeat(256), 'é'.repeat(128), 'nul\0']) {
      const expected = `save.${setting}: expected a folder that can be written to, found ${JSON.stringify(name)}, which no folder can be called.`;
      assert.equal(refusal(saved(join(ROOT, name, 'models'))), expected);
    }
    assert.match(refusal(saved(join(ROOT, 'é'.repeat(127)))), /^(?!save\.)/);
  });

  test(`save.${setting} is refused where this user may not write`, () => {
    const closed = join(ROOT, `closed-${setting}`);
    mkdirSync(closed);
    chmodSync(ROOT, 0o755);
    chmodSync(closed, 0o555);
    const call = `import('#recipes/finetune/files.ts').then(({ checkSaved }) => checkSaved(${JSON.stringify(saved(join(closed, 'models')))}))`;
    const who = process.getuid?.() === 0 ? { uid: NOBODY } : {};
    const { status, stderr } = spawnSync(process.execPath, ['-e', call], { encoding: 'utf8', ...who });
    assert.equal(status, 1, stderr);
    const expected = `save.${setting}: expected a folder that can be written to, found ${closed}, which cannot be written to.`;
    assert.ok(stderr.includes(expected), stderr);
  });
}

test('an adapter and a model do not go into one folder, however it is spelt', () => {
  const folder = join(ROOT, 'there');
  const same = /"save\.adapter": expected another folder than model's/;
  for (const other of [folder, `${folder}/`, join(ROOT, 'new/../there'), `${ROOT}/./there`]) {
    assert.match(refusal({ adapter: other, model: folder }), same);
  }
  symlinkSync(folder, join(ROOT, 'other name'));
  assert.match(refusal({ adapter: join(ROOT, 'other name'), model: folder }), same);
  assert.match(refusal({ adapter: join(ROOT, 'other name/new'), model: join(folder, 'new') }), same);
  assert.doesNotMatch(refusal({ adapter: join(ROOT, 'other name/a'), model: join(folder, 'b') }), same);
});

test('an adapter that is trained on a merged one is not saved, since it fits no model on disk', () => {
  const save = { adapter: join(ROOT, 'there'), model: '' };
  const merged = { adapter: { path: join(ROOT, 'there'), use: 'merge' } };
  assert.match(refusal(save, merged), /"save\.adapter": expected '' where another adapter is merged.*use save\.model/);
  assert.doesNotMatch(refusal(save, { adapter: { path: join(ROOT, 'there'), use: 'continue' } }), /save\./);
});
