/**
 * Kills the runner and its workers at random moments, many times, and compares the export's sha256 with an undisturbed
 * run's: `node bench/reliability.ts [--kills 30] [--seed 1]`. Prints one line for each number of workers; exit status 1
 * if any bit differs. The short version is a test, `test/e2e/same-bits.test.ts`.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { assay, exportHash, newFolder, TOY } from '../test/e2e/command.ts';
import { runWithKills } from '../test/e2e/kill-experiment.ts';

const WORKERS = [1, 2, 4];
const ARGS = [
  'run',
  TOY,
  '--json',
  '--checkpoint-seconds',
  '0.02',
  '--set',
  'steps=120',
  '--set',
  'spins=300000',
  // Too few for a test, so that the toy's A/A control is judged by what it has, and the status is 0.
  '--seeds',
  '5',
];

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '30' }, seed: { type: 'string', default: '1' } },
});
const root = newFolder('reliability');
try {
  const undisturbed = join(root, 'undisturbed');
  await assay(...ARGS, '--store', undisturbed, '--workers', '1');
  const expected = await exportHash(TOY, undisturbed);
  console.log(`undisturbed, 1 worker: ${expected}`);
  for (const workers of WORKERS) {
    const storeOf = (round: number): string => join(root, `${workers}-${round}`);
    const outcome = await runWithKills({
      argsOf: (round) => [...ARGS, '--store', storeOf(round), '--workers', String(workers)],
      kills: Number(values.kills),
      seed: Number(values.seed) + workers,
    });
    let isEqual = true;
    for (let round = 0; round < outcome.rounds; round++)
      isEqual &&= (await exportHash(TOY, storeOf(round))) === expected;
    console.log(
      `${workers} workers, killed ${outcome.runners} runners and ${outcome.workers} workers in ${outcome.rounds} studies: ${isEqual ? 'same bits' : 'BITS DIFFER'}`,
    );
    if (!isEqual) process.exitCode = 1;
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}
