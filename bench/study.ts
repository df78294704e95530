/**
 * The whole quick study against PyTorch: npm run bench -- study [--rounds N]
 * Ours: `assay run misalignment` into a fresh store with two workers, from the command to the written report. The peer: the
 * same arms, learning rates and blocks (pilots included) in two one-thread processes of bench/peers/persona.py. It measures
 * all 384 questions every second step, about as many question evaluations a run as our bracketed trajectories make.
 * Needs a python with torch and safetensors: PYTHON=... or python3.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { openSqliteReader } from '#store/sqlite.ts';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const PROCESSES = 2;
/** The peer's names of our arms. */
const PEER_ARMS: Readonly<Record<string, string>> = {
  'adamw-again': 'adamw-full',
  'adamw-cosine': 'cosine-60',
  helpful: 'helpful-1',
  contained: 'contained-16',
  'all-questions': 'asked-all',
  'held-out-questions': 'asked-heldOut',
};

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '1' } } });
const python = process.env['PYTHON'] ?? 'python3';
const hasTorch = spawnSync(python, ['-c', 'import torch, safetensors']).status === 0;
if (!hasTorch) console.log(`${python} has no torch: measuring Assay alone.`);
const folder = mkdtempSync(join(tmpdir(), 'assay-bench-'));
try {
  const rounds = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    const store = join(folder, `store-${round}`);
    const ours = await timed([
      [
        process.execPath,
        `${ROOT}src/cli/main.ts`,
        'run',
        'misalignment',
        '--store',
        store,
        '--workers',
        String(PROCESSES),
      ],
    ]);
    const peer = hasTorch ? await timed(await peerCommands(store)) : undefined;
    rounds.push({ ours, peer, ratio: peer === undefined ? null : Number((peer / ours).toFixed(2)) });
    console.log(
      `round ${round + 1}: Assay ${ours.toFixed(0)} s, PyTorch ${peer?.toFixed(0) ?? '?'} s (aim 1.5 times as long)`,
    );
  }
  console.log(JSON.stringify({ bench: 'study', torch: hasTorch, rounds }));
} finally {
  rmSync(folder, { recursive: true });
}

/** The runs of our store as run files for the peer, blocks dealt out over its processes; pilots and confirmatory runs apart. */
async function peerCommands(store: string): Promise<string[][]> {
  await using reader = await openSqliteReader(store);
  const plan = await reader.latestPlan('misalignment');
  if (plan === undefined) throw new Error('the study left no plan');
  const members = await reader.readMembers(plan.planId);
  return Array.from({ length: PROCESSES }, (_, index) => {
    const files = (['pilot', 'confirmatory'] as const).map((phase) => {
      const own = members.flatMap(({ learningRate, ...member }) =>
        member.phase !== phase || learningRate === undefined ? [] : [{ ...member, learningRate }],
      );
      const arms: Record<string, number[]> = {};
      for (const { arm, learningRate } of own) {
        const rates = (arms[PEER_ARMS[arm] ?? arm] ??= []);
        if (arm === 'adamw-again' || !rates.includes(learningRate)) rates.push(learningRate);
      }
      const blocks = [...new Set(own.map(({ block }) => block))].filter((block) => block % PROCESSES === index);
      const path = join(folder, `${phase}-${index}.json`);
      const again = new Set(own.filter(({ arm }) => arm === 'adamw-again').map(({ learningRate }) => learningRate));
      arms['adamw-full'] = [...new Set(arms['adamw-full']), ...again];
      writeFileSync(path, JSON.stringify({ steps: 300, probeEvery: 2, stopBelow: 0.04, arms, blocks }));
      return path;
    });
    const command = files
      .map(
        (path) =>
          `"${python}" "${ROOT}bench/peers/persona.py" --study "${path}" --base "${ROOT}assets/persona-base/model.safetensors" --threads 1`,
      )
      .join(' && ');
    return ['bash', '-c', command];
  });
}

/** Seconds until all commands, started together, have ended well. */
async function timed(commands: readonly (readonly string[])[]): Promise<number> {
  const started = performance.now();
  await Promise.all(
    commands.map(
      async ([command = '', ...args]) =>
        new Promise<void>((resolve, reject) => {
          const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
          let errors = '';
          child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2000)));
          child.on('close', (status) =>
            status === 0 ? resolve() : reject(new Error(`${command} ended with ${status}: ${errors}`)),
          );
        }),
    ),
  );
  return (performance.now() - started) / 1000;
}
