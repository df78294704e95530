/** The false discovery rate of exploratory screens: Benjamini and Hochberg 1995, step-up. */

/** Adjusted p values (q) in the order given. */
export function benjaminiHochberg(ps: readonly number[]): number[] {
  const order = [...ps.keys()].toSorted((a, b) => (ps[b] ?? 0) - (ps[a] ?? 0));
  const adjusted = new Array<number>(ps.length).fill(1);
  let running = 1;
  order.forEach((index, fromLargest) => {
    const rank = ps.length - fromLargest;
    running = Math.min(running, ((ps[index] ?? 1) * ps.length) / rank);
    adjusted[index] = running;
  });
  return adjusted;
}
