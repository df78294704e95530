/**
 * The agents: a small feed-forward policy trained by actor-critic, and how it is read exactly. The first layer starts wide, as random
 * features, and stays trainable: whether to turn depends on products of side, payment and chance, which narrow starts learn slowly.
 */
import {
  type Actor,
  ADAMW_DEFAULTS,
  type Agent,
  createActor,
  createAgent,
  endingChances,
  feedForwardPolicy,
  type Gridworld,
  MOVES,
  observed,
  OBSERVED,
  type Policy,
  type Scenario,
} from 'assay/learn';

/** How agents are trained; chosen on other seeds so that they come to act as exact planners do (LOG.md). */
export interface Training {
  readonly hidden: number;
  readonly entropy: number;
  /** Lives at once, and steps of each between two updates. */
  readonly rows: number;
  readonly steps: number;
}

const LAMBDA = 0.95;
const FIRST_LAYER = 'policy.hidden.0.weight';

/** A compiled agent, and a reader of many situations at once. */
export interface AgentLab extends AsyncDisposable {
  readonly agent: Agent;
  readonly reader: Actor;
}

/** @param situations How many are read at once. */
export async function createAgentLab(training: Training, situations: number): Promise<AgentLab> {
  const { hidden, entropy, rows, steps } = training;
  const policy = wideStart(feedForwardPolicy({ observations: OBSERVED, actions: MOVES.length, hidden: [hidden] }));
  const agent = await createAgent({
    policy,
    rows,
    steps,
    learning: { kind: 'actorCritic', discount: 1, lambda: LAMBDA, entropy },
    optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 },
  });
  const reader = await createActor(agent.learner, policy, situations);
  return { agent, reader, [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose]() };
}

function wideStart(policy: Policy): Policy {
  const initial = { kind: 'normal', std: 1 } as const;
  return {
    ...policy,
    parameters: policy.parameters.map((one) => (one.name === FIRST_LAYER ? { ...one, initial } : one)),
  };
}

/** How an agent's probabilities are acted upon. */
export type Choice = 'likeliest' | 'drawn';

/** P(good end) of each episode under the weights of the moment, exactly, by each way of choosing. */
export async function goodChances(
  { reader }: Pick<AgentLab, 'reader'>,
  world: Gridworld,
  scenarios: readonly Scenario[],
): Promise<Readonly<Record<Choice, readonly number[]>>> {
  const { free } = world.place;
  const seen = new Float32Array(reader.rows * OBSERVED);
  scenarios.forEach((scenario, i) =>
    free.forEach((cell, j) =>
      observed(
        world,
        { scenario, cell },
        seen.subarray((i * free.length + j) * OBSERVED, (i * free.length + j + 1) * OBSERVED),
      ),
    ),
  );
  const { probabilities } = await reader.act(seen, new Float32Array());
  const rowOf = new Map(free.map((cell, j) => [cell, j]));
  const under = (choice: Choice): readonly number[] =>
    scenarios.map((scenario, i) => {
      const policy = (cell: number): ArrayLike<number> => {
        const at = (i * free.length + (rowOf.get(cell) ?? 0)) * MOVES.length;
        const own = probabilities.subarray(at, at + MOVES.length);
        return choice === 'drawn' ? own : onlyLikeliest(own);
      };
      return endingChances(world, scenario, policy).good;
    });
  return { likeliest: under('likeliest'), drawn: under('drawn') };
}

function onlyLikeliest(probabilities: Float32Array): readonly number[] {
  const best = probabilities.indexOf(Math.max(...probabilities));
  return Array.from(probabilities, (_, move) => (move === best ? 1 : 0));
}
