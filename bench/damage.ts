/**
 * Damages copies of small stores and counts what they answer: `node bench/damage.ts [--count 10000] [--seed 1]`. Exit status
 * 1 if one of them answered something else without a word. The short version is a test, `test/e2e/damaged-stores.test.ts`.
 */
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { newFolder } from '../test/e2e/command.ts';
import { damageStores } from '../test/e2e/damage-experiment.ts';

const { values } = parseArgs({
  options: { count: { type: 'string', default: '10000' }, seed: { type: 'string', default: '1' } },
});
const root = newFolder('damage');
try {
  const count = Number(values.count);
  const { refused, harmless, silent } = await damageStores(root, count, Number(values.seed));
  for (const line of silent) console.log(`SILENT: ${line}`);
  console.log(
    `${count} damages: ${refused} refused by name, ${harmless} with the same answer, ${silent.length} silent different answers`,
  );
  if (silent.length > 0) process.exitCode = 1;
} finally {
  rmSync(root, { recursive: true, force: true });
}
