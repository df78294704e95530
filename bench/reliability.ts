/**
 * Kills processes with SIGKILL at random moments, many times: `node bench/reliability.ts [--kills 200] [--seed 1]`. Half of the
 * kills hit runners and workers of studies, a fifth hits them just when the store is written to, the rest hits reports,
 * exports and downloads while they write. Every bit must be as if nobody had disturbed it; exit status 1 if one differs. The short
 * versions are tests: `test/e2e/same-bits.test.ts`, `test/e2e/kills-while-writing.test.ts`.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { rngOf } from '#base/rng.ts';

import { assay, exportHash, MAIN, newFolder, TOY } from '../test/e2e/command.ts';
import { runWithKills } from '../test/e2e/kill-experiment.ts';
import { killWhileWriting, started, written, type Writing } from '../test/e2e/kill-while-writing.ts';
import { smallHub } from '../test/e2e/small-hub.ts';

const WORKERS = [1, 2, 4];
const MOST_WRITES = 40;
const HUB_CHILD = new URL('../test/e2e/hub-child.ts', import.meta.url).pathname;
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
  options: { kills: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } },
});
const [kills, seed] = [Number(values.kills), Number(values.seed)];
const root = newFolder('reliability');
let [all, faults] = [0, 0];
try {
  const undisturbed = join(root, 'undisturbed');
  await assay(...ARGS, '--store', undisturbed, '--workers', '1');
  const expected = await exportHash(TOY, undisturbed);
  console.log(`undisturbed, 1 worker: ${expected}`);
  for (const workers of WORKERS) await killStudies(`${workers} workers`, expected, workers, Math.ceil(kills / 6));
  await killStudies('2 workers, while saving', expected, 2, Math.ceil(kills / 5), async (folder, rng, ended) =>
    written(folder, 1 + rng.below(MOST_WRITES), ended),
  );
  await using hub = await smallHub();
  const share = Math.ceil(kills / 10);
  await killWriting('reports', writing('report', undisturbed), share);
  await killWriting('exports', writing('export', undisturbed), share);
  await killWriting('downloads', downloading(hub.url), share);
  console.log(`${all} kills, seed ${seed}: ${faults === 0 ? 'same bits' : `${faults} FAULTS`}`);
  if (faults > 0) process.exitCode = 1;
} finally {
  rmSync(root, { recursive: true, force: true });
}

type Moment = (folder: string, rng: ReturnType<typeof rngOf>, ended: Promise<unknown>) => Promise<void>;

async function killStudies(
  what: string,
  expected: string,
  workers: number,
  count: number,
  moment?: Moment,
): Promise<void> {
  const storeOf = (round: number): string => join(root, `${what.replaceAll(/\W+/g, '-')}-${round}`);
  const outcome = await runWithKills({
    argsOf: (round) => [...ARGS, '--store', storeOf(round), '--workers', String(workers)],
    kills: count,
    seed: seed + workers + (moment === undefined ? 0 : 100),
    ...(moment && { moment: async (round, rng, ended) => moment(storeOf(round), rng, ended) }),
  });
  let differing = 0;
  for (let round = 0; round < outcome.rounds; round++)
    if ((await exportHash(TOY, storeOf(round))) !== expected) differing++;
  all += outcome.runners + outcome.workers;
  faults += differing;
  console.log(
    `${what}: killed ${outcome.runners} runners and ${outcome.workers} workers in ${outcome.rounds} studies: ${differing === 0 ? 'same bits' : 'BITS DIFFER'}`,
  );
}

async function killWriting(what: string, writes: Writing, count: number): Promise<void> {
  const outcome = await killWhileWriting(writes, count, rngOf(seed, what));
  all += outcome.kills;
  faults += outcome.faults.length;
  for (const fault of outcome.faults) console.log(`FAULT ${what}: ${fault}`);
  console.log(
    `${what}: killed ${outcome.kills}, with files there at ${outcome.amidst}: ${outcome.faults.length === 0 ? 'whole or not there, same bits' : 'FAULTS'}`,
  );
}

function writing(command: 'report' | 'export', store: string): Writing {
  const folder = join(root, command);
  return {
    start: () => started([MAIN, command, TOY, '--store', store, '--out', folder]),
    folder,
    // The list of files that are ours says more while they are exchanged.
    isOwn: (name) => name.includes('.partial') || name === 'assay-files.json',
  };
}

function downloading(hub: string): Writing {
  const folder = join(root, 'cache');
  return {
    start: () => started([HUB_CHILD, hub, folder, '20', '5000']),
    folder,
    isOwn: (name) => /\.(incomplete|partial|assay\.lock)/.test(name),
  };
}
