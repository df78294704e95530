/**
 * Looks at a study, as the store remembers them: more seeds after an answer are a further look, which has what alpha the
 * earlier ones left, and whose decisions stand. A look is one at the same study, profile and settings, whatever its number of blocks.
 */
import type { Analysis } from '#analysis/records/analysis-record.ts';
import type { TakenLook } from '#analysis/verdict/earlier-decisions.ts';
import { contentHash } from '#base/json.ts';
import type { Store, StoreReader } from '#store/store.ts';
import { descriptionOf, type StudyPlan } from '#study/plan.ts';

import type { Collected } from './collected.ts';

/** The looks taken at what a plan asks, in their order. */
export async function looksAt(store: StoreReader, plan: StudyPlan): Promise<TakenLook[]> {
  const key = keyOf(plan);
  const looks = await store.readLooks(plan.study.name);
  return looks.flatMap(({ blocks, summary }) => {
    const { asked, alpha } = summary;
    return asked === key && typeof alpha === 'number' ? [{ blocks: blocks.length, alpha, seen: blocks }] : [];
  });
}

/** Records that an analysis was seen; without alpha nothing was. */
export async function recordLook(
  store: Store,
  { plan, planId }: { readonly plan: StudyPlan; readonly planId: string },
  runs: Collected,
  { look, verdicts }: Pick<Analysis, 'verdicts'> & { readonly look?: Analysis['look'] },
): Promise<void> {
  if (look === undefined) return;
  // The same blocks again are no new look.
  if (look.previous.some(({ blocks }) => blocks === look.blocks)) return;
  const blocks = [...new Set(runs.frame.runs.map(({ block }) => block))].toSorted((a, b) => a - b);
  const seen = Object.fromEntries(verdicts.map((one) => [`${one.contrast}, ${one.outcome}`, one.verdict]));
  await store.addLook(plan.study.name, {
    planId,
    blocks,
    summary: { asked: keyOf(plan), alpha: look.alpha, verdicts: seen },
  });
}

/** What is asked, without how many blocks answer it and when they are looked at. */
function keyOf(plan: StudyPlan): string {
  const { blocks: _, design: __, ...asked } = descriptionOf(plan);
  return contentHash(asked);
}
