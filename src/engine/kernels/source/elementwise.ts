/**
 * Elementwise SIMD kernels (AssemblyScript, compiled by `npm run kernels`).
 * Invariants: pointers are byte offsets, `n` counts float32 values; four lanes at a time and a scalar tail with the
 * same operations in the same order, so an element's bits do not depend on its position. No relaxed SIMD, no fused
 * multiply-add: the bits are the same on every machine.
 * Where a step is long, two neighbouring vectors are written out line by line: V8 makes 256-bit operations of such pairs (ADR 0195).
 */

/** torch.optim.AdamW, one step; every scalar is prepared by the caller. Loshchilov & Hutter, arXiv:1711.05101, Alg. 2. */
export function adamwStep(
  parameter: usize,
  gradient: usize,
  mean: usize,
  square: usize,
  n: usize,
  decayFactor: f32,
  meanWeight: f32,
  beta2: f32,
  squareWeight: f32,
  stepSize: f32,
  squareCorrection: f32,
  eps: f32,
): void {
  const decayFactors = f32x4.splat(decayFactor);
  const meanWeights = f32x4.splat(meanWeight);
  const beta2s = f32x4.splat(beta2);
  const squareWeights = f32x4.splat(squareWeight);
  const stepSizes = f32x4.splat(stepSize);
  const corrections = f32x4.splat(squareCorrection);
  const epsilons = f32x4.splat(eps);
  const bytes = n << 2;
  const body = bytes & ~31;
  let at: usize = 0;
  for (; at < body; at += 32) {
    const g = v128.load(gradient + at);
    let m = v128.load(mean + at);
    let v = v128.load(square + at);
    const g2 = v128.load(gradient + at, 16);
    let m2 = v128.load(mean + at, 16);
    let v2 = v128.load(square + at, 16);
    m = f32x4.add(m, f32x4.mul(meanWeights, f32x4.sub(g, m)));
    m2 = f32x4.add(m2, f32x4.mul(meanWeights, f32x4.sub(g2, m2)));
    v = f32x4.add(f32x4.mul(beta2s, v), f32x4.mul(squareWeights, f32x4.mul(g, g)));
    v2 = f32x4.add(f32x4.mul(beta2s, v2), f32x4.mul(squareWeights, f32x4.mul(g2, g2)));
    v128.store(mean + at, m);
    v128.store(mean + at, m2, 16);
    v128.store(square + at, v);
    v128.store(square + at, v2, 16);
    const denominator = f32x4.add(f32x4.mul(f32x4.sqrt(v), corrections), epsilons);
    const denominator2 = f32x4.add(f32x4.mul(f32x4.sqrt(v2), corrections), epsilons);
    const p = f32x4.mul(v128.load(parameter + at), decayFactors);
    const p2 = f32x4.mul(v128.load(parameter + at, 16), decayFactors);
    v128.store(parameter + at, f32x4.sub(p, f32x4.mul(stepSizes, f32x4.div(m, denominator))));
    v128.store(parameter + at, f32x4.sub(p2, f32x4.mul(stepSizes, f32x4.div(m2, denominator2))), 16);
  }
  for (; at < bytes; at += 4) {
    const g = load<f32>(gradient + at);
    let m = load<f32>(mean + at);
    let v = load<f32>(square + at);
    m = m + meanWeight * (g - m);
    v = beta2 * v + squareWeight * (g * g);
    store<f32>(mean + at, m);
    store<f32>(square + at, v);
    const denominator: f32 = sqrt<f32>(v) * squareCorrection + eps;
    const p = load<f32>(parameter + at) * decayFactor;
    store<f32>(parameter + at, p - stepSize * (m / denominator));
  }
}

/** torch.optim.SGD with momentum (dampening 0) and coupled weight decay, one step. */
export function sgdMomentumStep(
  parameter: usize,
  gradient: usize,
  buffer: usize,
  n: usize,
  lr: f32,
  momentum: f32,
  nesterov: bool,
  weightDecay: f32,
): void {
  const lrs = f32x4.splat(lr);
  const momenta = f32x4.splat(momentum);
  const decays = f32x4.splat(weightDecay);
  const bytes = n << 2;
  const body = bytes & ~15;
  let at: usize = 0;
  for (; at < body; at += 16) {
    const p = v128.load(parameter + at);
    const g = f32x4.add(v128.load(gradient + at), f32x4.mul(decays, p));
    const b = f32x4.add(f32x4.mul(momenta, v128.load(buffer + at)), g);
    v128.store(buffer + at, b);
    const update = nesterov ? f32x4.add(g, f32x4.mul(momenta, b)) : b;
    v128.store(parameter + at, f32x4.sub(p, f32x4.mul(lrs, update)));
  }
  for (; at < bytes; at += 4) {
    const p = load<f32>(parameter + at);
    const g = load<f32>(gradient + at) + weightDecay * p;
    const b = momentum * load<f32>(buffer + at) + g;
    store<f32>(buffer + at, b);
    const update = nesterov ? g + momentum * b : b;
    store<f32>(parameter + at, p - lr * update);
  }
}

/** Lion, one step; sign(0) = 0. Chen et al. 2023, arXiv:2302.06675, Alg. 2. */
export function lionStep(
  parameter: usize,
  gradient: usize,
  mean: usize,
  n: usize,
  decayFactor: f32,
  lr: f32,
  updateWeight: f32,
  meanWeight: f32,
): void {
  const decayFactors = f32x4.splat(decayFactor);
  const lrs = f32x4.splat(lr);
  const updateWeights = f32x4.splat(updateWeight);
  const meanWeights = f32x4.splat(meanWeight);
  const zero = f32x4.splat(0);
  const bytes = n << 2;
  const body = bytes & ~15;
  let at: usize = 0;
  for (; at < body; at += 16) {
    const g = v128.load(gradient + at);
    const m = v128.load(mean + at);
    const step = f32x4.sub(g, m);
    const c = f32x4.add(m, f32x4.mul(updateWeights, step));
    const up = v128.and(f32x4.gt(c, zero), lrs);
    const down = v128.and(f32x4.lt(c, zero), lrs);
    const p = f32x4.mul(v128.load(parameter + at), decayFactors);
    v128.store(parameter + at, f32x4.add(f32x4.sub(p, up), down));
    v128.store(mean + at, f32x4.add(m, f32x4.mul(meanWeights, step)));
  }
  for (; at < bytes; at += 4) {
    const g = load<f32>(gradient + at);
    const m = load<f32>(mean + at);
    const step = g - m;
    const c = m + updateWeight * step;
    const up: f32 = c > 0 ? lr : 0;
    const down: f32 = c < 0 ? lr : 0;
    const p = load<f32>(parameter + at) * decayFactor;
    store<f32>(parameter + at, p - up + down);
    store<f32>(mean + at, m + meanWeight * step);
  }
}

/** Muon's momentum: buffer += weight (g - buffer); out = buffer, or with Nesterov g + momentum (buffer - g). */
export function muonMomentum(
  gradient: usize,
  buffer: usize,
  out: usize,
  n: usize,
  weight: f32,
  momentum: f32,
  nesterov: bool,
): void {
  const weights = f32x4.splat(weight);
  const momenta = f32x4.splat(momentum);
  const bytes = n << 2;
  const body = bytes & ~15;
  let at: usize = 0;
  for (; at < body; at += 16) {
    const g = v128.load(gradient + at);
    let b = v128.load(buffer + at);
    b = f32x4.add(b, f32x4.mul(weights, f32x4.sub(g, b)));
    v128.store(buffer + at, b);
    v128.store(out + at, nesterov ? f32x4.add(g, f32x4.mul(momenta, f32x4.sub(b, g))) : b);
  }
  for (; at < bytes; at += 4) {
    const g = load<f32>(gradient + at);
    let b = load<f32>(buffer + at);
    b = b + weight * (g - b);
    store<f32>(buffer + at, b);
    store<f32>(out + at, nesterov ? g + momentum * (b - g) : b);
  }
}

/** y = keep y + factor x: accumulation (keep 1), plain SGD and Muon's last line (keep 1 - lr decay, factor -lr). */
export function scaledAdd(y: usize, x: usize, n: usize, keep: f32, factor: f32): void {
  const keeps = f32x4.splat(keep);
  const factors = f32x4.splat(factor);
  const bytes = n << 2;
  const body = bytes & ~15;
  let at: usize = 0;
  for (; at < body; at += 16) {
    const kept = f32x4.mul(v128.load(y + at), keeps);
    v128.store(y + at, f32x4.add(kept, f32x4.mul(factors, v128.load(x + at))));
  }
  for (; at < bytes; at += 4) {
    store<f32>(y + at, load<f32>(y + at) * keep + factor * load<f32>(x + at));
  }
}

/** x = factor x. */
export function scale(x: usize, n: usize, factor: f32): void {
  const factors = f32x4.splat(factor);
  const bytes = n << 2;
  const body = bytes & ~15;
  let at: usize = 0;
  for (; at < body; at += 16) v128.store(x + at, f32x4.mul(v128.load(x + at), factors));
  for (; at < bytes; at += 4) store<f32>(x + at, load<f32>(x + at) * factor);
}

/**
 * Sum of squares in float64. Squares of float32 cannot overflow a float64, so the sum is finite exactly when every
 * element is.
 */
export function sumOfSquares(x: usize, n: usize): f64 {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  const bytes = n << 2;
  const body = bytes & ~15;
  let at: usize = 0;
  for (; at < body; at += 16) {
    const four = v128.load(x + at);
    const first = f64x2.promote_low_f32x4(four);
    const second = f64x2.promote_low_f32x4(v128.shuffle<f32>(four, four, 2, 3, 2, 3));
    low = f64x2.add(low, f64x2.mul(first, first));
    high = f64x2.add(high, f64x2.mul(second, second));
  }
  const lanes = f64x2.add(low, high);
  let sum = f64x2.extract_lane(lanes, 0) + f64x2.extract_lane(lanes, 1);
  for (; at < bytes; at += 4) {
    const one = <f64>load<f32>(x + at);
    sum += one * one;
  }
  return sum;
}

/** Index of the first NaN or infinity (all exponent bits set), or -1: looked for where the largest magnitude is none of a number. */
export function firstNonFinite(x: usize, n: usize): i32 {
  const magnitude = i32x4.splat(0x7fffffff);
  let most = i32x4.splat(0);
  let more = i32x4.splat(0);
  const bytes = n << 2;
  const body = bytes & ~31;
  let at: usize = 0;
  for (; at < body; at += 32) {
    most = i32x4.max_s(most, v128.and(v128.load(x + at), magnitude));
    more = i32x4.max_s(more, v128.and(v128.load(x + at, 16), magnitude));
  }
  if (v128.any_true(i32x4.ge_s(i32x4.max_s(most, more), i32x4.splat(0x7f800000)))) at = 0;
  for (; at < bytes; at += 4) {
    if ((load<u32>(x + at) & 0x7f800000) == 0x7f800000) return <i32>(at >> 2);
  }
  return -1;
}
