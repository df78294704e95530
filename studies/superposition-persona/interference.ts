/**
 * Interference of an update dW with the features that a matrix reads: mean |dW u_j|^2 over untouched features against touched ones,
 * u_j of length 1; and three lines for it. The toy law knows sizes alone; the overlap law measures squared cosines; the span law
 * supposes that the update's rows lie where the training inputs do, as those of a gradient: mean u' C u, C = sum of y y' over inputs.
 * Axes: F features, D width of what the matrix reads, O its outputs.
 */

/** A feature's unit direction where the matrix reads, row-major [F, D]; rows of zeros where a norm takes the feature away. */
export interface Directions {
  readonly values: Float64Array;
  readonly width: number;
}

/** Which features a task touches, and which it surely does not. */
export interface Touched {
  readonly touched: readonly number[];
  readonly untouched: readonly number[];
}

/**
 * What features push at the input of a matrix behind a layer norm: gain * (w - mean w), of length 1. How far the norm divides is
 * the same for all features of a token.
 * @param dictionary shape [F, D]. @param gain shape [D].
 */
export function directionsBehindNorm(dictionary: Float32Array, gain: Float32Array): Directions {
  const width = gain.length;
  const values = new Float64Array(dictionary.length);
  for (let start = 0; start < dictionary.length; start += width) {
    const feature = dictionary.subarray(start, start + width);
    const mean = feature.reduce((sum, value) => sum + value, 0) / width;
    const pushed = Float64Array.from(feature, (value, i) => (gain[i] ?? 0) * (value - mean));
    const length = Math.sqrt(dot(pushed, pushed));
    if (length > 0)
      values.set(
        pushed.map((value) => value / length),
        start,
      );
  }
  return { values, width };
}

/**
 * Touched are the features with most of the code's energy on the training rows, as many as the participation ratio of the energies,
 * (sum e)^2 / sum e^2, rounded up; untouched are those that never fire there and do elsewhere. The rest are neither.
 * @param energy sum of squared codes over training rows, shape [F]. @param density share of other rows in which each fires, shape [F].
 */
export function touchedBy(energy: Float64Array, density: ArrayLike<number>): Touched {
  const count = Math.ceil(participation(energy));
  const order = Array.from(energy.keys()).toSorted((a, b) => (energy[b] ?? 0) - (energy[a] ?? 0) || a - b);
  return {
    touched: order.slice(0, count),
    untouched: order.filter((j) => energy[j] === 0 && (density[j] ?? 0) > 0).toSorted((a, b) => a - b),
  };
}

/** (sum e)^2 / sum e^2: how many equal parts a sum is like; 0 of nothing. */
export function participation(energy: Float64Array): number {
  const squares = dot(energy, energy);
  const total = energy.reduce((sum, value) => sum + value, 0);
  return squares === 0 ? 0 : total ** 2 / squares;
}

/** @param update shape [O, D]. @throws Error where the update moves no touched feature. */
export function interferenceOf(
  update: Float32Array | Float64Array,
  { values, width }: Directions,
  features: Touched,
): number {
  const squares = (j: number): number => {
    const u = values.subarray(j * width, (j + 1) * width);
    let sum = 0;
    for (let start = 0; start < update.length; start += width) {
      sum += dot(update.subarray(start, start + width), u) ** 2;
    }
    return sum;
  };
  return ratioOf(squares, features);
}

/** The lines of a task; none of them sees an update. */
export interface Laws {
  /** (m k) / (1 + (m - 1) k) with k = (D' - d) / ((D' - 1) d), D' the features that fire. */
  readonly toy: number;
  /** The same with k the mean squared cosine of touched with untouched features. */
  readonly overlap: number;
  /** Mean u' C u over untouched features against touched ones. */
  readonly span: number;
}

/** @param inputs what the matrix reads on the training rows, shape [N, D]. @param alive how many features fire at all. */
export function lawsOf({ values, width }: Directions, features: Touched, inputs: Float32Array, alive: number): Laws {
  const at = (j: number): Float64Array => values.subarray(j * width, (j + 1) * width);
  const count = features.touched.length;
  const line = (k: number): number => (count * k) / (1 + (count - 1) * k);
  const cosines = features.untouched.map((j) => mean(features.touched.map((k) => dot(at(j), at(k)) ** 2)));
  const along = (j: number): number => {
    let sum = 0;
    for (let start = 0; start < inputs.length; start += width) {
      sum += dot(inputs.subarray(start, start + width), at(j)) ** 2;
    }
    return sum;
  };
  return {
    toy: line((alive - width) / ((alive - 1) * width)),
    overlap: line(mean(cosines)),
    span: ratioOf(along, features),
  };
}

function ratioOf(squares: (feature: number) => number, { touched, untouched }: Touched): number {
  const below = mean(touched.map(squares));
  if (below > 0) return mean(untouched.map(squares)) / below;
  throw new Error('interference: expected a change of the touched features, found none.');
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
