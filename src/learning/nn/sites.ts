/**
 * Reading and changing a model's residual stream at named sites, for any model written on `Layers`.
 * Invariant: layers are wrapped and never changed, so the same model is built with sites and without, and a site nobody
 * asks for adds no node.
 */
import { AssayError, nearestName } from '#base/errors.ts';
import { add, div, mul, sub } from '#engine/ops/elementwise.ts';
import { broadcastTo, reshape } from '#engine/ops/layout.ts';
import { matmul } from '#engine/ops/linear-algebra.ts';
import { scalar } from '#engine/ops/sources.ts';
import { describe, sameShape, sizeOf, type Tensor } from '#engine/tensor.ts';

import type { Layers } from './layers.ts';

/** What a site goes on with instead of x, shape [N, D]. */
export type SiteEdit = (x: Tensor) => Tensor;

/** Layers that record; build the model with `layers`, then read `recorded`. */
export interface RecordingLayers {
  readonly layers: Layers;
  /** Site -> the stream there, [N, D], as tensors to name as a program's outputs; filled as the model is built. */
  readonly recorded: ReadonlyMap<string, Tensor>;
}

/**
 * Layers under which sites are changed.
 * @param known The model's sites, such as `transformerSites(config)`: a site that is not among them is refused.
 * @throws AssayError on an unknown site; and, as the model is built, on an edit that gives another shape.
 */
export function withSites(layers: Layers, known: readonly string[], edits: Readonly<Record<string, SiteEdit>>): Layers {
  checkKnown(known, Object.keys(edits));
  return {
    ...layers,
    wholeStream: true,
    site(name, x) {
      const before = layers.site(name, x);
      const edit = edits[name];
      if (edit === undefined) return before;
      const after = edit(before);
      if (sameShape(after.shape, before.shape)) return after;
      throw new AssayError(
        'shape',
        `Site "${name}": expected an edit to shape [${before.shape.join(', ')}], found ${describe(after)}.`,
      );
    },
  };
}

/** Layers that record the stream, after edits they are given. @param sites Which; all of them where left out. @throws AssayError on an unknown site. */
export function recordingSites(
  layers: Layers,
  known: readonly string[],
  sites: readonly string[] = known,
): RecordingLayers {
  checkKnown(known, sites);
  const recorded = new Map<string, Tensor>();
  const site = (name: string, x: Tensor): Tensor => {
    const seen = layers.site(name, x);
    if (sites.includes(name)) recorded.set(name, seen);
    return seen;
  };
  return { layers: { ...layers, site, wholeStream: true }, recorded };
}

/** Projects a direction out: x - (x.d / d.d) d. @param direction shape [D], of any length above 0. */
export function ablateDirection(direction: Tensor): SiteEdit {
  return (x) => {
    const d = reshape(direction, [1, sizeOf(direction.shape)]);
    const along = div(matmul(x, d, { transposeB: true }), matmul(d, d, { transposeB: true }));
    return sub(x, mul(along, d));
  };
}

/** x + scale * vector at every position. @param vector shape [D]. */
export function addVector(vector: Tensor, scale: number | Tensor = 1): SiteEdit {
  return (x) => add(x, mul(vector, scale));
}

/** The given stream, shape [N, D], whatever x is; no gradient flows to x. */
export function replaceBy(stream: Tensor): SiteEdit {
  return () => stream;
}

/** Zeros, whatever x is; no gradient flows to x. */
export function zeroSite(x: Tensor): Tensor {
  return broadcastTo(scalar(0), x.shape);
}

function checkKnown(known: readonly string[], asked: readonly string[]): void {
  const unknown = asked.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new AssayError(
    'config',
    `Site "${unknown}": expected one of ${known.join(', ')}; did you mean "${nearestName(unknown, known)}"?`,
  );
}
