/**
 * Feeds damaged inputs to every reader of what comes from elsewhere: `node bench/hostile.ts [--count 300000] [--seed 1]
 * [--reader NAME] [--from 0]`. An input is named by its reader, the seed and its number, and made again by them. Exit status 1
 * if one crashed, hung for 5 seconds or took a gibibyte. The short version is a test, `test/hostile/hostile.test.ts`.
 */
import { rmSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { newFolder } from '../test/e2e/command.ts';
import { hunted, shares } from '../test/hostile/hunt.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '300000' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    reader: { type: 'string' },
  },
});
const folder = newFolder('hostile');
const [seed, count, from] = [Number(values.seed), Number(values.count), Number(values.from)];
const all = values.reader === undefined ? [...shares(count)] : [[values.reader, count] as const];
let [inputs, faults] = [0, 0];
try {
  for (const [reader, own] of all) {
    const startedMs = performance.now();
    const { faults: found, refused } = await hunted({ reader, seed, from, count: own, folder });
    for (const fault of found) console.log(`FAULT ${JSON.stringify(fault)}`);
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
    console.log(
      `${reader}: ${own} inputs of seed ${seed} from ${from}, ${refused} refused, ${found.length} faults (${seconds} s)`,
    );
    inputs += own;
    faults += found.length;
  }
  console.log(
    `${inputs} damaged inputs over ${all.length} readers, seed ${seed}: ${faults} crashes, hangs or gibibytes`,
  );
  if (faults > 0) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
