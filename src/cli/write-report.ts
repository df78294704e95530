/** Writes a study's report: the page, and the figures' data beside it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Analysis } from '#analysis/analysis-record.ts';
import { AssayError, messageOf } from '#base/errors.ts';
import { renderReport } from '#report/report.ts';
import type { Fact } from '#report/report-input.ts';
import type { StudyPlan } from '#study/plan.ts';

import type { Collected } from './collected.ts';

const PAGE = 'report.html';

/** What a report is written from. */
export interface ReportSource {
  readonly plan: StudyPlan;
  /** The stored plan's id. */
  readonly planId: string;
  readonly analysis: Analysis;
  readonly runs: Collected;
  /** The command that makes it again. */
  readonly command: string;
}

/** Writes into `folder`, made if absent, and returns the page's path. @throws AssayError where it cannot be written. */
export function writeReport(folder: string, { plan, planId, analysis, runs, command }: ReportSource): string {
  const { study, profile } = plan;
  const report = renderReport({
    study,
    profile,
    frame: runs.frame,
    analysis,
    troubledRuns: runs.troubled,
    heldEqual: heldEqual(plan),
    provenance: [{ name: 'Study hash', value: planId }, ...runs.provenance.flatMap(provenanceFacts)],
    command,
    ...(runs.pilotRates.length > 0 && { pilot: { rule: study.pilot, rates: runs.pilotRates } }),
  });
  try {
    mkdirSync(folder, { recursive: true });
    for (const { name, content } of report.files) writeFileSync(join(folder, name), content);
    writeFileSync(join(folder, PAGE), report.html);
  } catch (error) {
    throw new AssayError('store', `Cannot write the report to ${folder}: ${messageOf(error)}.`, { cause: error });
  }
  return join(folder, PAGE);
}

/** What no arm differs in: the recipe, and the settings all arms share. */
function heldEqual({ study, profile, settings }: StudyPlan): Fact[] {
  const { name, semanticsVersion } = study.recipe;
  const shared = { ...study.set, ...study.profiles[profile]?.set };
  return [
    { name: 'Recipe', value: `${name}, semantics ${semanticsVersion}` },
    ...Object.entries(shared).map(([path, value]) => ({ name: path, value: JSON.stringify(value) })),
    ...settings.map(({ path, value, from }) => ({ name: `${path} (${from})`, value: JSON.stringify(value) })),
  ];
}

function provenanceFacts(found: Collected['provenance'][number]): Fact[] {
  const { numericsId, assay, commit, onnxruntime, node, os, arch, instructionSets } = found;
  return [
    { name: 'numericsId', value: numericsId },
    { name: 'Code', value: `assay ${assay}${commit === undefined ? '' : `, commit ${commit}`}` },
    { name: 'Machine', value: `${os} ${arch}, ${instructionSets}, node ${node}, onnxruntime ${onnxruntime}` },
  ];
}
