/** While a study runs it says what an audit would say of its first runs. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { assay, newFolder, TOY } from './command.ts';

const ROOT = newFolder('doubts');
/** Too few steps for the toy's lower level. */
const SHORT = ['--set', 'steps=12', '--set', 'spins=10', '--workers', '1'];

after(() => rmSync(ROOT, { recursive: true }));

test('levels that no run passes and arms that are one are said while the study runs, each once over all looks', async () => {
  const store = join(ROOT, 'json');
  const { stderr } = await assay(
    'run',
    TOY,
    '--store',
    store,
    ...SHORT,
    '--until-decided',
    '--max-seeds',
    '12',
    '--json',
  );
  const lines = stderr.split('\n').filter((line) => line.startsWith('{'));
  const events = lines.map((line): Record<string, unknown> => JSON.parse(line));
  const doubts = events.filter(({ kind }) => kind === 'doubt');
  const said = doubts.map(({ arm, doubt, text }) => `${String(arm)} ${String(doubt)} ${String(text)}`).toSorted();
  assert.equal(new Set(said).size, said.length);
  // Both losses of every arm; which arm's run shows that two arms are one depends on which ends first.
  const levels = doubts.filter(({ doubt }) => doubt === 'levelsNotReached').map(({ arm }) => String(arm));
  assert.deepEqual(
    levels.toSorted((a, b) => (a < b ? -1 : 1)),
    ['again', 'again', 'low-rank', 'low-rank', 'plain', 'plain'],
  );
  assert.deepEqual(
    doubts.filter(({ doubt }) => doubt !== 'levelsNotReached').map(({ doubt, text }) => [doubt, text]),
    [['equalArms', 'low-rank and plain are equal to the last digit in blocks 0, as if one run stood under both arms']],
  );
  assert.match(
    said.join('\n'),
    /levels 1, 2 of training loss are passed by none of 3 runs of again, which begin at 4 to 4\.01 and end at 2/,
  );
  const first = events.findIndex(({ kind }) => kind === 'doubt');
  const last = events.findLastIndex(({ kind }) => kind === 'runEnded');
  assert.ok(first < last, 'a doubt comes before the study ends');
});

test('without --json a doubt is a line of its own', async () => {
  const { stderr } = await assay('run', TOY, '--store', join(ROOT, 'plain'), ...SHORT);
  const said = stderr.split('\n').filter((line) => line.startsWith('doubt: '));
  assert.equal(new Set(said).size, said.length);
  assert.ok(
    said.some((line) => /doubt: level 1 of training loss is passed by none of 3 runs of plain/.test(line)),
    stderr,
  );
});
