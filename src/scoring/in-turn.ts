/** Questions asked side by side, at most so many open at once. */

/** Results in order, with at most so many under way. */
export async function inTurn<In, Out>(
  items: readonly In[],
  concurrency: number | undefined,
  work: (item: In) => Promise<Out>,
): Promise<readonly Out[]> {
  const results: Out[] = [];
  const next = items.entries();
  const worker = async (): Promise<void> => {
    for (const [i, item] of next) results[i] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.max(1, Math.min(concurrency ?? 1, items.length)) }, worker));
  return results;
}
