/** Tokens that stand where a program is told, not one after another: their rotations, and what lies outside of their windows. */
import { greaterOrEqual } from '#engine/ops/comparison.ts';
import { sub } from '#engine/ops/elementwise.ts';
import { gather } from '#engine/ops/indexing.ts';
import { concat, reshape, slice } from '#engine/ops/layout.ts';
import { constant, input } from '#engine/ops/sources.ts';
import { axisLength, type Tensor } from '#engine/tensor.ts';
import type { RotaryPositions, TransformerConfig } from '#learning/models/config.ts';

import { type AttentionForm, constantTables, turnHeads } from './attention.ts';

/** The input `positions`, int32 [N]. */
function fedPositions(count: number): Tensor {
  return input('positions', [count], 'int32');
}

/** Cosines and sines of the positions that are fed, each below `length`, shape [N, K/2] each. */
export function fedAngles(
  { headDim }: TransformerConfig,
  count: number,
  length: number,
): (positions: RotaryPositions) => readonly [cos: Tensor, sin: Tensor] {
  const places = fedPositions(count);
  const built = new Map<RotaryPositions, readonly [cos: Tensor, sin: Tensor]>();
  return (positions) => {
    const [cos, sin] = built.get(positions) ?? constantTables(positions, headDim, length);
    built.set(positions, [cos, sin]);
    return [gather(cos, places), gather(sin, places)];
  };
}

/** Turns heads [G, H, L, K] of G rows by the angles of the input `positions`, each below `length`. */
export function turnRowsAt(
  config: TransformerConfig,
  rows: number,
  count: number,
  length: number,
): AttentionForm['turn'] {
  const angles = fedAngles(config, rows * count, length);
  return (x, positions) => {
    const [cos, sin] = angles(positions);
    const turned = Array.from({ length: axisLength(x, 0) }, (_, row) => {
      const own = (table: Tensor): Tensor => slice(table, 0, row * count, (row + 1) * count);
      return turnHeads(slice(x, 0, row, row + 1), positions, own(cos), own(sin));
    });
    return concat(turned, 0);
  };
}

/**
 * 1 where a key stands `window` positions or more before a query, else 0, whatever stands between them; shape [G, L, L].
 * @param rows G, of `count` tokens each, L. @param length What positions are below.
 */
export function isOutside(rows: number, count: number, length: number, window: number): Tensor {
  const numbers = constant(
    Float32Array.from({ length }, (_, i) => i),
    [length, 1],
  );
  const places = gather(numbers, fedPositions(rows * count));
  const [queries, keys] = [reshape(places, [rows, count, 1]), reshape(places, [rows, 1, count])];
  return greaterOrEqual(sub(queries, keys), window);
}
