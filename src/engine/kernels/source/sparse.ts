/**
 * Kernels of sparse codes (AssemblyScript, compiled by `npm run kernels`): decoding touches only the features whose codes are
 * not zero, and so do the gradients. Rows of codes are k values with k int32 feature indices each; features are rows of `width` floats.
 * Invariants: rows are taken in order and codes of a row in order, so that a sum has one order; four lanes at a time and a
 * scalar tail. A code of 0 is skipped: it decodes to nothing and has no gradient. Indices are in range: their maker checks.
 */

/** y = y + factor x, `bytes` long. */
function addScaled(y: usize, x: usize, bytes: usize, factor: f32): void {
  const factors = f32x4.splat(factor);
  const body = bytes & ~15;
  let at: usize = 0;
  for (; at < body; at += 16) {
    v128.store(y + at, f32x4.add(v128.load(y + at), f32x4.mul(factors, v128.load(x + at))));
  }
  for (; at < bytes; at += 4) store<f32>(y + at, load<f32>(y + at) + factor * load<f32>(x + at));
}

/** The sum of x y: four lanes, two at a time, then the tail. */
function dot(x: usize, y: usize, bytes: usize): f32 {
  let even = f32x4.splat(0);
  let odd = f32x4.splat(0);
  const pairs = bytes & ~31;
  const body = bytes & ~15;
  let at: usize = 0;
  for (; at < pairs; at += 32) {
    even = f32x4.add(even, f32x4.mul(v128.load(x + at), v128.load(y + at)));
    odd = f32x4.add(odd, f32x4.mul(v128.load(x + at, 16), v128.load(y + at, 16)));
  }
  for (; at < body; at += 16) even = f32x4.add(even, f32x4.mul(v128.load(x + at), v128.load(y + at)));
  const sums = f32x4.add(even, odd);
  let sum: f32 =
    f32x4.extract_lane(sums, 0) +
    f32x4.extract_lane(sums, 1) +
    (f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3));
  for (; at < bytes; at += 4) sum += load<f32>(x + at) * load<f32>(y + at);
  return sum;
}

/** out[r] = sum of the row's codes times their features, less target[r]. */
export function sparseDecode(
  values: usize,
  indices: usize,
  rows: usize,
  k: usize,
  features: usize,
  width: usize,
  target: usize,
  out: usize,
): void {
  const bytes = width << 2;
  const codeBytes = k << 2;
  for (let row: usize = 0; row < rows; row++) {
    memory.fill(out, 0, bytes);
    for (let at: usize = 0; at < codeBytes; at += 4) {
      const value = load<f32>(values + at);
      if (value == 0) continue;
      addScaled(out, features + <usize>load<u32>(indices + at) * bytes, bytes, value);
    }
    addScaled(out, target, bytes, -1);
    values += codeBytes;
    indices += codeBytes;
    target += bytes;
    out += bytes;
  }
}

/**
 * The gradients of sum_r |out[r]|^2 scale / 2, out as `sparseDecode` left it, where a code is input[r] . encoder[i] + bias[i]:
 * featureGradient[i] += scale value out[r]; with c = scale out[r] . feature[i]: encoderGradient[i] += c input[r],
 * biasGradient[i] += c; and outGradient (none at 0) += scale out[r].
 */
export function sparseGradients(
  values: usize,
  indices: usize,
  rows: usize,
  k: usize,
  features: usize,
  width: usize,
  out: usize,
  input: usize,
  featureGradient: usize,
  encoderGradient: usize,
  biasGradient: usize,
  outGradient: usize,
  scale: f32,
): void {
  const bytes = width << 2;
  const codeBytes = k << 2;
  for (let row: usize = 0; row < rows; row++) {
    for (let at: usize = 0; at < codeBytes; at += 4) {
      const value = load<f32>(values + at);
      if (value == 0) continue;
      const index = <usize>load<u32>(indices + at);
      const start = index * bytes;
      const slope = scale * dot(out, features + start, bytes);
      addScaled(featureGradient + start, out, bytes, scale * value);
      addScaled(encoderGradient + start, input, bytes, slope);
      const bias = biasGradient + (index << 2);
      store<f32>(bias, load<f32>(bias) + slope);
    }
    if (outGradient != 0) addScaled(outGradient, out, bytes, scale);
    values += codeBytes;
    indices += codeBytes;
    out += bytes;
    input += bytes;
  }
}
