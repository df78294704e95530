/**
 * Student's t: distribution and quantile, from the regularized incomplete beta function.
 * Source: Press et al., Numerical Recipes, 3rd ed., 6.4 (continued fraction by Lentz) and 6.14. Exact to about 1e-12.
 */

// Lanczos coefficients, g = 7, n = 9.
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];
const MAX_ITERATIONS = 300;
const CONVERGED = 1e-15;
const TINY = 1e-300;

/** log Gamma(x) for x > 0. */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  let sum = LANCZOS[0] ?? 0;
  for (let i = 1; i < LANCZOS.length; i++) sum += (LANCZOS[i] ?? 0) / (x - 1 + i);
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

/** Regularized incomplete beta function I_x(a, b), in [0, 1]. */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  if (x < (a + 1) / (a + b + 2)) return (front * betaFraction(x, a, b)) / a;
  return 1 - (front * betaFraction(1 - x, b, a)) / b;
}

/** The continued fraction of the incomplete beta function, by the modified Lentz method. */
function betaFraction(x: number, a: number, b: number): number {
  const clamp = (value: number): number => (Math.abs(value) < TINY ? TINY : value);
  let c = 1;
  let d = 1 / clamp(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= MAX_ITERATIONS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / clamp(1 + even * d);
    c = clamp(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / clamp(1 + odd * d);
    c = clamp(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < CONVERGED) break;
  }
  return fraction;
}

/** P(T <= t) for Student's t with `df` degrees of freedom. */
export function studentTCdf(t: number, df: number): number {
  const tail = 0.5 * incompleteBeta(df / (df + t * t), df / 2, 0.5);
  return t > 0 ? 1 - tail : tail;
}

/** Two-sided p of a t statistic: P(|T| >= |t|). */
export function studentTTwoSided(t: number, df: number): number {
  return t === Infinity || t === -Infinity ? 0 : incompleteBeta(df / (df + t * t), df / 2, 0.5);
}

const quantiles = new Map<number, Map<number, number>>();

/** The t with P(T <= t) = p, for 0 < p < 1; remembered, since an analysis asks for few of them often. */
export function studentTQuantile(p: number, df: number): number {
  const ofP = quantiles.get(p) ?? new Map<number, number>();
  quantiles.set(p, ofP);
  const known = ofP.get(df);
  if (known !== undefined) return known;
  const found = p < 0.5 ? -upperQuantile(1 - p, df) : upperQuantile(p, df);
  ofP.set(df, found);
  return found;
}

/** Bisection on the distribution, for p >= 1/2. */
function upperQuantile(p: number, df: number): number {
  let [low, high] = [0, 1];
  while (studentTCdf(high, df) < p) high *= 2;
  while (high - low > 1e-13 * high) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (studentTCdf(middle, df) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
