/**
 * A mean with its standard error, and t intervals around it. Equal values have variance exactly zero and the
 * interval is the value itself: no t is computed from rounding dust.
 */
import type { Interval } from '#analysis/records/verdict-record.ts';
import { studentTCdf, studentTQuantile } from './student-t.ts';

/** A mean (or intercept) with what its interval needs; `count` is the number of independent units (blocks, or clusters of them). */
export interface Estimate {
  readonly mean: number;
  readonly standardError: number;
  readonly df: number;
  readonly count: number;
}

/** Mean and standard error of values, one a block; undefined for fewer than two values. */
export function estimateOf(values: ArrayLike<number>): Estimate | undefined {
  const count = values.length;
  if (count < 2) return undefined;
  let sum = 0;
  let constant = true;
  for (let i = 0; i < count; i++) {
    sum += values[i] ?? 0;
    constant &&= values[i] === values[0];
  }
  if (constant) return { mean: values[0] ?? 0, standardError: 0, df: count - 1, count };
  const mean = sum / count;
  let squares = 0;
  for (let i = 0; i < count; i++) squares += ((values[i] ?? 0) - mean) ** 2;
  return { mean, standardError: Math.sqrt(squares / (count - 1) / count), df: count - 1, count };
}

/**
 * Intercept of values on one covariate by least squares: the mean at covariate zero.
 * Undefined for fewer than three values or a constant covariate.
 */
export function interceptOf(values: ArrayLike<number>, covariate: ArrayLike<number>): Estimate | undefined {
  const n = values.length;
  let [sx, sy, sxx, sxy] = [0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [x, y] = [covariate[i] ?? 0, values[i] ?? 0];
    sx += x;
    sy += y;
    sxx += x * x;
    sxy += x * y;
  }
  const determinant = n * sxx - sx * sx;
  if (n < 3 || determinant <= 1e-12 * n * sxx) return undefined;
  const mean = (sxx * sy - sx * sxy) / determinant;
  const slope = (n * sxy - sx * sy) / determinant;
  let residual = 0;
  for (let i = 0; i < n; i++) residual += ((values[i] ?? 0) - mean - slope * (covariate[i] ?? 0)) ** 2;
  return { mean, standardError: Math.sqrt((residual / (n - 2)) * (sxx / determinant)), df: n - 2, count: n };
}

/** The two-sided t interval of an estimate, such as `confidence` 0.95. */
export function intervalOf(estimate: Estimate, confidence: number): Interval {
  if (estimate.standardError === 0) return [estimate.mean, estimate.mean];
  const half = studentTQuantile(0.5 + confidence / 2, estimate.df) * estimate.standardError;
  return [estimate.mean - half, estimate.mean + half];
}

/** Two one-sided tests at level alpha: whether the 1 - 2 alpha interval lies inside (-delta, delta). */
export function isEquivalent(estimate: Estimate, delta: number, alpha: number): boolean {
  const [low, high] = intervalOf(estimate, 1 - 2 * alpha);
  return low > -delta && high < delta;
}

/** p of two one-sided tests: the smallest alpha at which the estimate is equivalent to 0 within delta. */
export function equivalenceP({ mean, standardError, df }: Estimate, delta: number): number {
  const room = delta - Math.abs(mean);
  if (standardError === 0) return room > 0 ? 0 : 1;
  return 1 - studentTCdf(room / standardError, df);
}
