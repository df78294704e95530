/**
 * The square table of positions resized to an image's own grid of patches, as the weights of a linear map: bilinear with
 * antialias, pixel centres at halves. What pads an image takes the place of its first patch, as in transformers.
 * @see `resize_positional_embeddings` of Siglip2Model; PyTorch's `interpolate(mode='bilinear', antialias=True)`.
 */

/**
 * What each patch takes of the table.
 * @param grid Rows and columns of the image. @param table Rows and columns of the table. @param length Patches with padding.
 * @returns shape [length, table rows * table columns]; each row sums to 1.
 */
export function placements(
  grid: readonly [rows: number, columns: number],
  table: readonly [rows: number, columns: number],
  length: number,
): Float32Array {
  const byRow = axisWeights(grid[0], table[0]);
  const byColumn = axisWeights(grid[1], table[1]);
  const width = table[0] * table[1];
  const weights = new Float32Array(length * width);
  for (let patch = 0; patch < length; patch++) {
    const at = patch < grid[0] * grid[1] ? patch : 0;
    const [rows = [], columns = []] = [byRow[Math.floor(at / grid[1])], byColumn[at % grid[1]]];
    rows.forEach((a, r) => columns.forEach((b, c) => (weights[patch * width + r * table[1] + c] = a * b)));
  }
  return weights;
}

/** The triangle filter's weights of each of `count` places over `size` places, shape [count][size]. */
function axisWeights(count: number, size: number): readonly (readonly number[])[] {
  const scale = size / count;
  const support = Math.max(scale, 1);
  return Array.from({ length: count }, (_, i) => {
    const centre = (i + 0.5) * scale - 0.5;
    const raw = Array.from({ length: size }, (__, at) => Math.max(0, 1 - Math.abs(at - centre) / support));
    const total = raw.reduce((sum, weight) => sum + weight, 0);
    return raw.map((weight) => weight / total);
  });
}
