/**
 * Policies: what turns observations into P(action) and, with a critic, into the return that is expected. A policy is written in
 * three parts, so that all steps of a rollout pass the first and the last at once and only what is recurrent is unrolled.
 */
import { add, mul, tanh } from '#engine/ops/elementwise.ts';
import { concat, reshape, slice } from '#engine/ops/layout.ts';
import { matmul } from '#engine/ops/linear-algebra.ts';
import { gruState, scan } from '#engine/ops/recurrent.ts';
import { input } from '#engine/ops/sources.ts';
import type { Tensor } from '#engine/tensor.ts';
import type { Layers, ParameterSpec } from '#learning/nn/layers.ts';

/** N is a number of situations, O numbers are seen in each, A actions can be taken, H numbers are remembered. */
export interface Policy {
  readonly observations: number;
  readonly actions: number;
  /** H; 0 in a policy without memory. */
  readonly memory: number;
  readonly parameters: readonly ParameterSpec[];
  /** What of observations goes on. @param x shape [N, O]. @returns shape [N, E]. */
  read(layers: Layers, x: Tensor): Tensor;
  /** The next memory, shape [N, H]; absent without one. @param read shape [N, E]. @param memory shape [N, H]. */
  readonly recur?: (layers: Layers, read: Tensor, memory: Tensor) => Tensor;
  /** @param state The memory just made, shape [N, H], or without one what was read, shape [N, E]. */
  heads(layers: Layers, state: Tensor): Heads;
}

/** What a policy says. */
export interface Heads {
  /** Of P(action), shape [N, A]. */
  readonly logits: Tensor;
  /** The return expected from here, shape [N]; absent in a policy without a critic. */
  readonly values: Tensor | undefined;
}

interface PolicySize {
  readonly observations: number;
  readonly actions: number;
  /** Whether returns are estimated, by a head of their own. Default true. */
  readonly critic?: boolean;
}

/** Layers of tanh, then the heads. @param size `hidden` holds the width of each layer. */
export function feedForwardPolicy(size: PolicySize & { readonly hidden: readonly number[] }): Policy {
  const { observations, actions, hidden, critic = true } = size;
  const widths = [observations, ...hidden];
  return {
    observations,
    actions,
    memory: 0,
    parameters: [
      ...hidden.flatMap((width, i) => linearParameters(`policy.hidden.${i}`, widths[i] ?? 0, width)),
      ...headParameters(widths.at(-1) ?? 0, actions, critic),
    ],
    read: (layers, x) => hidden.reduce((h, _, i) => tanh(layers.linear(`policy.hidden.${i}`, h)), x),
    heads: (layers, state) => headsOf(layers, state, critic),
  };
}

/** A gated recurrent unit, then the heads. @param size `memory` is H. @see gruCell */
export function recurrentPolicy(size: PolicySize & { readonly memory: number }): Policy {
  const { observations, actions, memory, critic = true } = size;
  return {
    observations,
    actions,
    memory,
    parameters: [
      ...linearParameters('policy.gru.input', observations, 3 * memory),
      ...linearParameters('policy.gru.hidden', memory, 3 * memory),
      ...headParameters(memory, actions, critic),
    ],
    read: (layers, x) => layers.linear('policy.gru.input', x),
    recur: (layers, read, h) => gruState(read, layers.linear('policy.gru.hidden', h), h),
    heads: (layers, state) => headsOf(layers, state, critic),
  };
}

/** One step of a policy. @param x shape [N, O]. @param memory shape [N, H]; absent without one. */
export function policyStep(policy: Policy, layers: Layers, x: Tensor, memory?: Tensor): Heads & { state: Tensor } {
  const read = policy.read(layers, x);
  const state = policy.recur === undefined || memory === undefined ? read : policy.recur(layers, read, memory);
  return { state, ...policy.heads(layers, state) };
}

/** T steps of B lives, as a rollout holds them. */
export interface RolloutShape {
  readonly steps: number;
  readonly rows: number;
}

/**
 * A policy over whole rollouts, step by step where it remembers. Inputs: `observations` [T B, O] and, with memory, `memory` [B, H]
 * and `kept` [T, B], 0 where a life begins. @returns Heads of N = T B, step by step; `states` [T B, H], or what was read.
 */
export function unrolledPolicy(
  policy: Policy,
  layers: Layers,
  { steps, rows }: RolloutShape,
): Heads & { readonly states: Tensor } {
  const { recur, memory } = policy;
  const read = policy.read(layers, input('observations', [steps * rows, policy.observations]));
  if (recur === undefined) return { states: read, ...policy.heads(layers, read) };
  const kept = reshape(input('kept', [steps, rows]), [steps * rows, 1]);
  const at = (x: Tensor, t: number): Tensor => slice(x, 0, t * rows, (t + 1) * rows);
  const { outputs } = scan(
    (h: Tensor, t: number) => {
      const next = recur(layers, at(read, t), mul(h, at(kept, t)));
      return { state: next, output: next };
    },
    input('memory', [rows, memory]),
    Array.from({ length: steps }, (_, t) => t),
  );
  const states = concat(outputs, 0);
  return { states, ...policy.heads(layers, states) };
}

/**
 * Layers of a population: P sets of weights, each for N / P rows in a row, fed under the parameters' names as shape [P, ...].
 * A policy written for one agent runs on them unchanged.
 */
export function populationLayers(parameters: readonly ParameterSpec[], population: number): Layers {
  const tensors = new Map(parameters.map(({ name, shape }) => [name, input(name, [population, ...shape])]));
  const parameter = (name: string): Tensor => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new Error(`no parameter "${name}"`);
    return tensor;
  };
  return {
    parameter,
    linear(module, x) {
      const [rows = 0, dIn = 0] = x.shape;
      const weight = parameter(`${module}.weight`);
      const [, dOut = 0] = weight.shape;
      const product = matmul(reshape(x, [population, rows / population, dIn]), weight, { transposeB: true });
      return reshape(add(product, reshape(parameter(`${module}.bias`), [population, 1, dOut])), [rows, dOut]);
    },
    site: (_name, x) => x,
  };
}

function linearParameters(module: string, dIn: number, dOut: number, gain = 1): readonly ParameterSpec[] {
  const initial = { kind: 'normal', std: gain / Math.sqrt(dIn) } as const;
  return [
    { name: `${module}.weight`, shape: [dOut, dIn], role: 'matrix', initial },
    { name: `${module}.bias`, shape: [dOut], role: 'vector', initial: { kind: 'zeros' } },
  ];
}

/** Actions start nearly alike, so that the first episodes try everything. */
function headParameters(width: number, actions: number, critic: boolean): readonly ParameterSpec[] {
  const chosen = linearParameters('policy.actions', width, actions, 0.01);
  return critic ? [...chosen, ...linearParameters('policy.value', width, 1)] : chosen;
}

function headsOf(layers: Layers, state: Tensor, critic: boolean): Heads {
  const logits = layers.linear('policy.actions', state);
  if (!critic) return { logits, values: undefined };
  return { logits, values: reshape(layers.linear('policy.value', state), [logits.shape[0] ?? 0]) };
}
