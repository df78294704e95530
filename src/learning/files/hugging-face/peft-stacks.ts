/**
 * LoRA on stacked experts, as PEFT has it from 0.17 on (`target_parameters`): transformers 5 keeps all experts of a layer in two
 * tensors, `gate_up_proj` [E, 2 F, D] and `down_proj` [E, D, F], and one pair of factors is for a whole stack.
 * Here each matrix of an expert has factors of its own: A is that expert's, which gate and up share, B its rows.
 * Source: `ParamWrapper` in PEFT's `tuners/lora/layer.py`, `transformers_weight_conversion.py` there.
 */
import { AssayError } from '#base/errors.ts';
import type { LoraFactors } from '#learning/lora.ts';
import { expertsOf, type TransformerConfig } from '#learning/models/config.ts';
import { expertModulesOf, MODULES } from '#learning/models/modules.ts';
import type { Fields } from '#learning/files/fields.ts';

/** The two stacks of a layer, by the parameter's name in transformers. */
const STACKS = ['gate_up_proj', 'down_proj'] as const;
type Stack = (typeof STACKS)[number];

/** Factors as they are stored: A [R, dIn] and B [dOut, R], R the rank times the number of experts. */
export interface StackedFactors extends LoraFactors {
  /** The module in the adapter's file, such as `model.layers.3.mlp.experts`; the first of two stacks is `.base_layer` of it. */
  readonly module: string;
}

/** Whether factors of this module are for a stack of experts. */
export function isStack(module: string): boolean {
  return /\.experts(?:\.base_layer)?$/.test(module);
}

/** What a config says of stacks: which are targeted, and the rank of each. */
export interface StackTargets {
  readonly names: readonly string[];
  readonly where: string;
  rankOf(stack: Stack): number;
}

/** Reads `target_parameters` and the patterns that PEFT writes beside it. @throws AssayError naming what is not supported. */
export function stackTargets(fields: Fields, rank: number, alpha: number, useRsLora: boolean): StackTargets {
  const names = fields.value('target_parameters') ?? [];
  const isNamed = (name: unknown): name is string => STACKS.some((stack) => `.${String(name)}`.endsWith(`.${stack}`));
  if (!Array.isArray(names) || !names.every(isNamed)) {
    throw fields.error('target_parameters', 'a list of gate_up_proj and down_proj of experts (others are not adapted)');
  }
  const [ranks, alphas] = ['rank_pattern', 'alpha_pattern'].map((name) => patternOf(fields, name, names.length > 0));
  const scaleOf = (stack: Stack): number => {
    const [own, ownAlpha] = [ranks?.get(stack) ?? rank, alphas?.get(stack) ?? alpha];
    return ownAlpha / (useRsLora ? Math.sqrt(own) : own);
  };
  const plain = alpha / (useRsLora ? Math.sqrt(rank) : rank);
  if (STACKS.some((stack) => Math.abs(scaleOf(stack) - plain) > 1e-9 * Math.abs(plain))) {
    throw fields.error('alpha_pattern', `such that the scale of every module is ${plain}`);
  }
  return { names, where: fields.where, rankOf: (stack) => ranks?.get(stack) ?? rank };
}

/** A pattern of ranks or alphas, of stacks alone: `{".*\\.gate_up_proj": 4}` is what PEFT makes of adapters of gate and up. */
function patternOf(fields: Fields, name: string, hasStacks: boolean): ReadonlyMap<string, number> {
  const value = fields.value(name) ?? false;
  if (value === false) return new Map();
  const entries = typeof value === 'object' ? Object.entries(value) : [['', value] as const];
  const named = entries.map(([key, own]): readonly [string, unknown] => [key.replace(/^\.\*\\\./, ''), own]);
  const isGood = (entry: readonly [string, unknown]): entry is readonly [string, number] =>
    STACKS.some((stack) => stack === entry[0]) && typeof entry[1] === 'number' && entry[1] > 0;
  if (entries.length > 0 && !(hasStacks && named.every(isGood))) throw fields.error(name, 'off (it is not supported)');
  return new Map(named.filter(isGood));
}

/**
 * The factors of each matrix of each expert.
 * @throws AssayError naming factors that the model has no stack for, or that the config does not target.
 */
export function unstacked(
  stacks: readonly StackedFactors[],
  targets: StackTargets,
  model: TransformerConfig,
): ReadonlyMap<string, LoraFactors> {
  const modules = new Map<string, LoraFactors>();
  for (const factors of stacks) {
    const at = factors.module.replace(/\.base_layer$/, '');
    const layer = Number(/\.layers\.(\d+)\./.exec(at)?.[1] ?? Number.NaN);
    const isThere = layer < model.nLayers && at === `model.layers.${layer}.mlp.experts`;
    const experts = isThere ? expertsOf(model, layer) : undefined;
    const stack = experts === undefined ? undefined : stackOf(factors, model.dModel, experts.dHidden);
    const found = `factors of ${factors.module.slice(0, 200)} [${factors.dOut}, ${factors.dIn}]`;
    const isTargeted = targets.names.some(
      (name) => `${at}.${stack ?? ''}` === name || `${at}.${stack ?? ''}`.endsWith(`.${name}`),
    );
    if (experts === undefined || stack === undefined || !isTargeted) {
      const expected = 'target_parameters to choose stacks of experts that the model has';
      throw new AssayError('file', `${targets.where}: expected ${expected}, found ${found}.`);
    }
    const rank = targets.rankOf(stack);
    if (factors.a.length !== rank * experts.count * factors.dIn) {
      const rows = factors.a.length / factors.dIn;
      const expected = `rank ${rank} for each of ${experts.count} experts`;
      throw new AssayError('file', `${targets.where}: expected ${expected}, found ${found} of rank ${rows} in all.`);
    }
    const { expert } = expertModulesOf(MODULES[model.family].block(layer));
    for (let index = 0; index < experts.count; index++) {
      const { gate, up, down } = expert(index);
      const own = expertFactors(factors, index, experts.count);
      for (const [name, part] of stack === 'down_proj' ? [[down, own] as const] : halves(own, gate, up)) {
        if (modules.has(name))
          throw new AssayError('file', `${targets.where}: expected one pair of factors of ${name}, found two.`);
        modules.set(name, part);
      }
    }
  }
  return modules;
}

function stackOf({ dIn, dOut }: LoraFactors, dModel: number, dHidden: number): Stack | undefined {
  if (dIn === dModel && dOut === 2 * dHidden) return 'gate_up_proj';
  return dIn === dHidden && dOut === dModel ? 'down_proj' : undefined;
}

/** One expert's factors: A holds experts one behind another, B has them in turn in its columns. */
function expertFactors({ a, b, dIn, dOut }: LoraFactors, index: number, count: number): LoraFactors {
  const columns = a.length / dIn;
  const rank = columns / count;
  const own = new Float32Array(dOut * rank);
  for (let o = 0; o < dOut; o++) {
    for (let k = 0; k < rank; k++) own[o * rank + k] = b[o * columns + k * count + index] ?? 0;
  }
  return { dIn, dOut, a: a.slice(index * rank * dIn, (index + 1) * rank * dIn), b: own };
}

/** Gate and up, which stand in one stack, gate first. */
function halves(
  { a, b, dIn, dOut }: LoraFactors,
  gate: string,
  up: string,
): readonly (readonly [string, LoraFactors])[] {
  const half = { dIn, dOut: dOut / 2, a };
  return [
    [gate, { ...half, b: b.slice(0, b.length / 2) }],
    [up, { ...half, b: b.slice(b.length / 2) }],
  ];
}
