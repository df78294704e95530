/**
 * Matrix kernels (AssemblyScript, compiled by `npm run kernels`): what Newton-Schulz needs.
 * Invariants: every output element is one sum over k in ascending order from 0, whatever tile it falls in, so its
 * bits do not depend on the matrix around it. Tiles of 4 x 8 outputs live in eight registers.
 */

const TILE_ROWS: usize = 4;
const TILE_COLUMNS: usize = 8;

/**
 * out[m, n] = A[m, k] B[k, n], out row-major and contiguous. A and B are read through strides in bytes, so a transpose
 * costs nothing. With `symmetric` (m = n, and the caller knows that A B is symmetric) the lower triangle is mirrored
 * from the upper. `scratch` holds 8 k + 32 floats. out overlaps neither A nor B.
 */
export function matmul(
  m: usize,
  n: usize,
  k: usize,
  a: usize,
  aRowBytes: usize,
  aColumnBytes: usize,
  b: usize,
  bRowBytes: usize,
  bColumnBytes: usize,
  out: usize,
  scratch: usize,
  symmetric: bool,
): void {
  const outRowBytes = n << 2;
  const spill = scratch + k * TILE_COLUMNS * 4;
  for (let j: usize = 0; j < n; j += TILE_COLUMNS) {
    const columns = min(TILE_COLUMNS, n - j);
    packPanel(b + j * bColumnBytes, bRowBytes, bColumnBytes, k, columns, scratch);
    const rows = symmetric ? min(m, j + TILE_COLUMNS) : m;
    const whole = columns == TILE_COLUMNS;
    let i: usize = 0;
    for (; i + TILE_ROWS <= rows; i += TILE_ROWS) {
      const target = out + i * outRowBytes + (j << 2);
      const rowsOfA = a + i * aRowBytes;
      if (whole) {
        tile4(rowsOfA, aRowBytes, aColumnBytes, scratch, k, target, outRowBytes);
      } else {
        tile4(rowsOfA, aRowBytes, aColumnBytes, scratch, k, spill, TILE_COLUMNS * 4);
        for (let row: usize = 0; row < TILE_ROWS; row++) {
          memory.copy(target + row * outRowBytes, spill + row * TILE_COLUMNS * 4, columns << 2);
        }
      }
    }
    for (; i < rows; i++) {
      const target = out + i * outRowBytes + (j << 2);
      tile1(a + i * aRowBytes, aColumnBytes, scratch, k, spill);
      memory.copy(target, spill, columns << 2);
    }
  }
  if (symmetric) mirror(out, n);
}

/** out = c0 I + c1 A + c2 B for square matrices of n rows; out may be A or B. */
export function polynomial(n: usize, a: usize, b: usize, out: usize, c0: f32, c1: f32, c2: f32): void {
  const c1s = f32x4.splat(c1);
  const c2s = f32x4.splat(c2);
  const bytes = (n * n) << 2;
  const body = bytes & ~15;
  let at: usize = 0;
  for (; at < body; at += 16) {
    const first = f32x4.mul(c1s, v128.load(a + at));
    v128.store(out + at, f32x4.add(first, f32x4.mul(c2s, v128.load(b + at))));
  }
  for (; at < bytes; at += 4) store<f32>(out + at, c1 * load<f32>(a + at) + c2 * load<f32>(b + at));
  for (let i: usize = 0; i < n; i++) {
    const diagonal = out + ((i * n + i) << 2);
    store<f32>(diagonal, load<f32>(diagonal) + c0);
  }
}

/** Copies k rows of up to eight columns of B next to each other, filling missing columns with zeros. */
function packPanel(b: usize, rowBytes: usize, columnBytes: usize, k: usize, columns: usize, panel: usize): void {
  if (columns == TILE_COLUMNS && columnBytes == 4) {
    for (let row: usize = 0; row < k; row++) {
      v128.store(panel, v128.load(b));
      v128.store(panel, v128.load(b, 16), 16);
      b += rowBytes;
      panel += TILE_COLUMNS * 4;
    }
    return;
  }
  if (columns == TILE_COLUMNS && rowBytes == 4) {
    // B is read transposed: its columns are contiguous.
    const whole = k & ~3;
    for (let row: usize = 0; row < whole; row += 4) {
      transpose4(b + (row << 2), columnBytes, panel, TILE_COLUMNS * 4);
      transpose4(b + (row << 2) + 4 * columnBytes, columnBytes, panel + 16, TILE_COLUMNS * 4);
      panel += 4 * TILE_COLUMNS * 4;
    }
    b += whole << 2;
    k -= whole;
  }
  memory.fill(panel, 0, k * TILE_COLUMNS * 4);
  for (let column: usize = 0; column < columns; column++) {
    let from = b + column * columnBytes;
    let to = panel + (column << 2);
    for (let row: usize = 0; row < k; row++) {
      store<f32>(to, load<f32>(from));
      from += rowBytes;
      to += TILE_COLUMNS * 4;
    }
  }
}

/** Four rows of A times a panel of eight columns. */
function tile4(
  a: usize,
  rowBytes: usize,
  columnBytes: usize,
  panel: usize,
  k: usize,
  out: usize,
  outRowBytes: usize,
): void {
  let s00 = f32x4.splat(0);
  let s01 = f32x4.splat(0);
  let s10 = f32x4.splat(0);
  let s11 = f32x4.splat(0);
  let s20 = f32x4.splat(0);
  let s21 = f32x4.splat(0);
  let s30 = f32x4.splat(0);
  let s31 = f32x4.splat(0);
  let a0 = a;
  let a2 = a0 + 2 * rowBytes;
  const end = panel + k * TILE_COLUMNS * 4;
  while (panel < end) {
    const b0 = v128.load(panel);
    const b1 = v128.load(panel, 16);
    let x = v128.load32_splat(a0);
    s00 = f32x4.add(s00, f32x4.mul(x, b0));
    s01 = f32x4.add(s01, f32x4.mul(x, b1));
    x = v128.load32_splat(a0 + rowBytes);
    s10 = f32x4.add(s10, f32x4.mul(x, b0));
    s11 = f32x4.add(s11, f32x4.mul(x, b1));
    x = v128.load32_splat(a2);
    s20 = f32x4.add(s20, f32x4.mul(x, b0));
    s21 = f32x4.add(s21, f32x4.mul(x, b1));
    x = v128.load32_splat(a2 + rowBytes);
    s30 = f32x4.add(s30, f32x4.mul(x, b0));
    s31 = f32x4.add(s31, f32x4.mul(x, b1));
    a0 += columnBytes;
    a2 += columnBytes;
    panel += TILE_COLUMNS * 4;
  }
  v128.store(out, s00);
  v128.store(out, s01, 16);
  out += outRowBytes;
  v128.store(out, s10);
  v128.store(out, s11, 16);
  out += outRowBytes;
  v128.store(out, s20);
  v128.store(out, s21, 16);
  out += outRowBytes;
  v128.store(out, s30);
  v128.store(out, s31, 16);
}

/** One row of A times a panel of eight columns. */
function tile1(a: usize, columnBytes: usize, panel: usize, k: usize, out: usize): void {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  const end = panel + k * TILE_COLUMNS * 4;
  while (panel < end) {
    const x = v128.load32_splat(a);
    s0 = f32x4.add(s0, f32x4.mul(x, v128.load(panel)));
    s1 = f32x4.add(s1, f32x4.mul(x, v128.load(panel, 16)));
    a += columnBytes;
    panel += TILE_COLUMNS * 4;
  }
  v128.store(out, s0);
  v128.store(out, s1, 16);
}

/** Copies the upper triangle of an n x n matrix to the lower, by blocks of 4 x 4. */
function mirror(matrix: usize, n: usize): void {
  const rowBytes = n << 2;
  const body = n & ~3;
  for (let i: usize = 0; i < body; i += 4) {
    mirrorRows(matrix, rowBytes, i, i, i + 4);
    for (let j: usize = i + 4; j < body; j += 4) {
      transpose4(matrix + i * rowBytes + (j << 2), rowBytes, matrix + j * rowBytes + (i << 2), rowBytes);
    }
  }
  mirrorRows(matrix, rowBytes, 0, body, n);
}

/** Copies what stands above the diagonal in columns `from` to `end`, from row `first` on, to the left of it. */
function mirrorRows(matrix: usize, rowBytes: usize, first: usize, from: usize, end: usize): void {
  for (let i = from; i < end; i++) {
    for (let j = first; j < i; j++) {
      store<f32>(matrix + i * rowBytes + (j << 2), load<f32>(matrix + j * rowBytes + (i << 2)));
    }
  }
}

/** Writes a block of 4 x 4 transposed. */
function transpose4(from: usize, fromRowBytes: usize, to: usize, toRowBytes: usize): void {
  const r0 = v128.load(from);
  const r1 = v128.load(from + fromRowBytes);
  const r2 = v128.load(from + 2 * fromRowBytes);
  const r3 = v128.load(from + 3 * fromRowBytes);
  const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
  const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
  const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
  v128.store(to + toRowBytes, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
  v128.store(to + 2 * toRowBytes, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
  v128.store(to + 3 * toRowBytes, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
}
