/** What is in the files that a plan's runs read, said once a file before any run. */
import { canonicalJson } from '#base/json.ts';
import { configOf, type StudyPlan } from '#study/plan.ts';
import type { FileSummary } from '#study/recipe.ts';

import type { Audience } from './audience.ts';

/** Says it: as notes, or as JSON events. @throws AssayError where a file cannot be used, before anything is trained. */
export async function saySummaries(plan: StudyPlan, audience: Audience, isJson: boolean): Promise<void> {
  const said = new Set<string>();
  for (const summary of await summariesOf(plan)) {
    const line = isJson ? canonicalJson({ kind: 'file', ...summary }) : lineOf(summary);
    if (!said.has(line)) audience.note(line);
    said.add(line);
  }
}

async function summariesOf({ study, profile, settings }: StudyPlan): Promise<readonly FileSummary[]> {
  const { recipe } = study;
  const summaries: FileSummary[] = [];
  for (const arm of study.arms) {
    if (recipe.files === undefined) continue;
    summaries.push(...(await recipe.files(configOf({ study, profile, settings }, arm, arm.learningRates[0]))));
  }
  return summaries;
}

function lineOf({ file, counts, notes = [] }: FileSummary): string {
  const counted = Object.entries(counts).map(([name, count]) => `${count.toLocaleString('en')} ${name}`);
  return [`${file}: ${counted.join(', ')}`, ...notes].join('. ');
}
