/** What a plan's report and export are called, so that those of other settings do not overwrite each other. */
import { contentHash } from '#base/json.ts';
import type { StudyPlan } from '#study/plan.ts';

const HASH_LENGTH = 8;

/** `misalignment-quick` for a profile as the study has it; with other blocks, looks or settings, a short hash of them follows. */
export function planName({
  study,
  profile,
  blocks,
  design,
  settings,
}: Pick<StudyPlan, 'study' | 'profile' | 'blocks' | 'design' | 'settings'>): string {
  const name = `${study.name}-${profile}`;
  const isPlain = settings.length === 0 && design === 'fixed' && blocks === study.profiles[profile]?.blocks;
  if (isPlain) return name;
  // The looks of a sequential study follow each other: its last one counts.
  const chosen = {
    settings: settings.map(({ path, value }) => [path, value]),
    design,
    ...(design === 'fixed' && { blocks }),
  };
  return `${name}-${contentHash(chosen).slice(0, HASH_LENGTH)}`;
}
