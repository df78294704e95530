/** One measurement of bench/agents.ts: node bench/agents-run.ts LIVES prints steps and updates a second of processor time as JSON. */
import { rngOf } from '#base/rng.ts';
import { createAgent } from '#learning/agents/agent.ts';
import { recurrentPolicy } from '#learning/agents/policies.ts';
import { livedOn, newLives } from '#learning/agents/rollouts.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import { FORAGING } from 'assay/studies/mood-emerges/forager.ts';

const STEPS = 16;
const SECONDS = 1;
const rows = Number(process.argv[2] ?? 64);

/** How often a second of processor time it is done, after as many warming rounds. */
async function perSecond(act: () => Promise<unknown>): Promise<number> {
  const used = (): number => (process.cpuUsage().user + process.cpuUsage().system) / 1e6;
  let rate = 0;
  for (const seconds of [SECONDS / 4, SECONDS]) {
    const start = used();
    let count = 0;
    for (; used() - start < seconds; count++) await act();
    rate = count / (used() - start);
  }
  return rate;
}

const { observations, actions } = FORAGING;
const agent = await createAgent({
  policy: recurrentPolicy({ observations, actions, memory: 16 }),
  rows,
  steps: STEPS,
  learning: { kind: 'actorCritic', discount: 0.98, lambda: 0.95 },
  optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 },
});
agent.learner.reset(new Map(), rngOf(1));
let lives = newLives(FORAGING, agent.actor, rngOf(2));
let turn = 0;
const live = async () => {
  const lived = await livedOn(FORAGING, agent.actor, lives, STEPS, rngOf(3, `rollout ${turn++}`));
  lives = lived.lives;
  return lived.rollout;
};
const stepsPerSecond = rows * STEPS * (await perSecond(live));
const rollout = await live();
const updatesPerSecond = await perSecond(() => agent.update(rollout, 1e-6));
console.log(JSON.stringify({ stepsPerSecond, updatesPerSecond }));
