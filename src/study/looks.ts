/**
 * Sequential studies: how many blocks each look is taken at, and the alpha of its tests and equivalences. The one table of
 * looks: the command line makes plans for its blocks, the analysis reads its alphas.
 * @see docs/method.md, "Alpha, and looking again": the alphas add up to 0.05.
 */
export const LOOKS: ReadonlyMap<number, number> = new Map([
  [8, 0.01],
  [12, 0.015],
  [16, 0.025],
]);

/** The blocks of the looks, ascending. */
export const LOOK_BLOCKS: readonly number[] = [...LOOKS.keys()];

/** The looks in words: "8, 12 and 16". */
export const LOOKS_TEXT = `${LOOK_BLOCKS.slice(0, -1).join(', ')} and ${LOOK_BLOCKS.at(-1)}`;
