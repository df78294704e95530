/**
 * The two graphs of generation. `prefillGraph` reads a prompt and gives every layer's keys and values; `decodeGraph`
 * reads one further token a row against such keys and values, and gives that token's own for the caller to keep.
 * Invariant: both compute what `transformerLogits` computes on the whole sequence, up to rounding.
 */
import { add } from '#engine/ops/elementwise.ts';
import { gather } from '#engine/ops/indexing.ts';
import { transpose } from '#engine/ops/layout.ts';
import { input } from '#engine/ops/sources.ts';
import type { Tensor } from '#engine/tensor.ts';
import { positionsOf, type RotaryPositions, type TransformerConfig, turnedDim } from '#learning/models/config.ts';
import type { Layers } from '#learning/nn/layers.ts';

import { attendAfter, type AttentionForm, type Heads, masksOf, selfAttention, turnHeads } from './attention.ts';
import { decoderLogits, embed, embeddedTokens, positionTable, wholeRows } from './transformer.ts';

/** The most prompts that one program reads. */
export const MOST_PROMPTS = 8;

/** A graph's logits, and the keys and values of the tokens it read, by layer. */
export interface CachedGraph {
  /** Next-token logits, shape [B, V] or [MOST_PROMPTS, V]. */
  readonly logits: Tensor;
  /** Shape [B, Hkv, T, K] each. */
  readonly keys: readonly Tensor[];
  readonly values: readonly Tensor[];
}

/** The name of the input that holds the keys (values) of the tokens before, shape [B, Hkv, S, K]. */
export function cachedInput(of: 'keys' | 'values', layer: number): string {
  return `cached ${of} ${layer}`;
}

/** The input that holds the mask of the tokens before, shape [B, 1, 1, S], of layers with a window or without one. */
export function maskInput(window?: number): string {
  return window === undefined ? 'mask' : `mask ${window}`;
}

/** The inputs that hold cosines and sines of each row's angles, shape [B, K/2], of one of `rotationsOf`. */
export function angleInput(of: 'cos' | 'sin', rotation: number): string {
  return rotation === 0 ? of : `${of} ${rotation}`;
}

/** The windows of a model's layers, each once; undefined for layers that see all. */
export function windowsOf({ nLayers, layers }: TransformerConfig): readonly (number | undefined)[] {
  return [...new Set(Array.from({ length: nLayers }, (_, layer) => layers?.[layer]?.window))];
}

/** The rotations of a model's layers, each once. */
export function rotationsOf(config: TransformerConfig): readonly RotaryPositions[] {
  const all = Array.from({ length: config.nLayers }, (_, layer) => positionsOf(config, layer));
  const rotary = all.filter((positions) => positions.kind === 'rotary');
  return [...new Map(rotary.map((positions) => [rotationKey(positions), positions])).values()];
}

/** What two equal rotations have in common, whether they are one object or not. */
function rotationKey(positions: RotaryPositions): string {
  return JSON.stringify(positions);
}

/**
 * Prompts of up to `length` tokens, a row each. Inputs: tokens int32 [B T]; last int32 [MOST_PROMPTS], the tokens to continue among
 * them, as many as there are rows, and any beyond. Logits are theirs, shape [MOST_PROMPTS, V]: so that they have the same bits
 * for any number of rows.
 */
export function prefillGraph(config: TransformerConfig, layers: Layers, rows: number, length: number): CachedGraph {
  const whole = wholeRows(config, { rows, length });
  const kept = keeper();
  const form: AttentionForm = { ...whole, attend: (heads, layer) => whole.attend(kept.keep(heads), layer) };
  const embedded = embed(config, layers, form.batch, input('tokens', [rows * length], 'int32'));
  const attend = selfAttention(config, layers, form);
  const last = input('last', [MOST_PROMPTS], 'int32');
  return { logits: decoderLogits(config, layers, embedded, attend, last, true), ...kept };
}

/**
 * One token a row, each at a position of its own, after the tokens whose keys and values are fed.
 * Inputs: tokens int32 [B]; masks (`maskInput`), 0 at the tokens before that are seen and MASKED elsewhere; cached keys and values;
 * for learned positions, positions int32 [B]; for rotary ones, angles (`angleInput`).
 */
export function decodeGraph(config: TransformerConfig, layers: Layers, rows: number, capacity: number): CachedGraph {
  const { nKvHeads, headDim } = config;
  const mask = masksOf(config, (window) => input(maskInput(window), [rows, 1, 1, capacity]));
  const kept = keeper();
  const form: AttentionForm = {
    batch: { rows, length: 1 },
    turn: rowRotation(config, rows),
    attend(heads, layer) {
      const before = (of: 'keys' | 'values'): Tensor =>
        input(cachedInput(of, layer), [rows, nKvHeads, capacity, headDim]);
      return attendAfter(config, kept.keep(heads), before('keys'), before('values'), mask(layer));
    },
  };
  const embedded = embedAt(config, layers, input('tokens', [rows], 'int32'));
  return { logits: decoderLogits(config, layers, embedded, selfAttention(config, layers, form)), ...kept };
}

/** Collects the keys and values of layer after layer. */
function keeper(): { readonly keys: Tensor[]; readonly values: Tensor[]; keep(heads: Heads): Heads } {
  const [keys, values]: [Tensor[], Tensor[]] = [[], []];
  return {
    keys,
    values,
    keep: (heads) => {
      keys.push(heads[1]);
      values.push(heads[2]);
      return heads;
    },
  };
}

/** Turns the heads of one token a row by that row's angle: the rows stand where tokens do. */
function rowRotation(config: TransformerConfig, rows: number): AttentionForm['turn'] {
  const keys = rotationsOf(config).map(rotationKey);
  const swapped = [2, 1, 0, 3];
  return (x, positions) => {
    const angles = (of: 'cos' | 'sin'): Tensor =>
      input(angleInput(of, keys.indexOf(rotationKey(positions))), [rows, turnedDim(positions, config.headDim) / 2]);
    return transpose(turnHeads(transpose(x, swapped), positions, angles('cos'), angles('sin')), swapped);
  };
}

function embedAt(config: TransformerConfig, layers: Layers, tokens: Tensor): Tensor {
  const embedded = embeddedTokens(config, layers, tokens);
  if (config.positions.kind === 'rotary') return embedded;
  return add(embedded, gather(positionTable(config, layers), input('positions', tokens.shape, 'int32')));
}
