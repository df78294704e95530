/**
 * What runs of one shape share inside a process: compiled programs are costly to make and serve run after run, since a
 * learner starts over by `reset`. Invariant: numbers never depend on what stands on the shelf.
 */
import { canonicalJson, type JsonObject } from '#base/json.ts';

/** Gives the lab of a key, making it where it does not stand ready. */
export type LabShelf<Lab> = (key: JsonObject, make: () => Promise<Lab>) => Promise<Lab>;

/** @param kept How many labs stand ready; the one unused for longest is disposed of. */
export function labShelf<Lab extends AsyncDisposable>(kept: number): LabShelf<Lab> {
  const labs = new Map<string, Lab>();
  return async (key, make) => {
    const name = canonicalJson(key);
    const lab = labs.get(name) ?? (await make());
    labs.delete(name);
    labs.set(name, lab);
    for (const [oldest, unused] of labs) {
      if (labs.size <= kept) break;
      labs.delete(oldest);
      await unused[Symbol.asyncDispose]();
    }
    return lab;
  };
}
