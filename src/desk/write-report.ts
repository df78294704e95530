/** Writes a study's report: the page, and the figures' data beside it. */
import { join } from 'node:path';

import type { Analysis } from '#analysis/records/analysis-record.ts';
import { isJsonObject, type JsonObject } from '#base/json.ts';
import { renderReport } from '#report/report.ts';
import type { AskedQuestion, Fact, GivenRows, ShownPairs } from '#report/report-input.ts';
import type { StudyPlan } from '#study/plan.ts';

import type { Collected } from './collected.ts';
import { type OutputFolder, writeOutputs } from './output-folder.ts';

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
  readonly replies?: readonly AskedQuestion[];
  readonly given?: readonly GivenRows[];
  readonly pairs?: readonly ShownPairs[];
}

/** Writes into `folder`, made if absent, and returns the page's path. @throws AssayError where it cannot be written. */
export function writeReport(
  folder: OutputFolder,
  { plan, planId, analysis, runs, command, replies, given, pairs }: ReportSource,
): string {
  const { study, profile } = plan;
  const report = renderReport({
    study,
    profile,
    frame: runs.frame,
    analysis,
    troubledRuns: runs.troubled,
    heldEqual: heldEqual(plan, runs.configs),
    provenance: [{ name: 'Study hash', value: planId }, ...runs.provenance.flatMap(provenanceFacts)],
    command,
    ...(replies && { replies }),
    ...(given && { given }),
    ...(pairs && { pairs }),
    ...(study.pilot && runs.pilotRates.length > 0 && { pilot: { rule: study.pilot, rates: runs.pilotRates } }),
  });
  writeOutputs(folder, [...report.files, { name: PAGE, content: report.html }]);
  return join(folder.path, PAGE);
}

/** What all confirmatory runs share by their resolved configs, what the arms set, and what the user set. */
function heldEqual({ study, settings }: StudyPlan, configs: readonly JsonObject[]): Fact[] {
  const { name, semanticsVersion, learningRatePath } = study.recipe;
  const leaves = configs.map((config) => leavesOf(config));
  const paths = [...new Set(leaves.flatMap((one) => [...one.keys()]))].filter((path) => path !== learningRatePath);
  const valuesAt = (path: string): Set<string> => new Set(leaves.map((one) => one.get(path) ?? 'absent'));
  const equal = paths.filter((path) => valuesAt(path).size === 1);
  const different = paths.filter((path) => !equal.includes(path));
  return [
    { name: 'Recipe', value: `${name}, semantics ${semanticsVersion}` },
    { name: 'Equal in all runs', value: equal.map((path) => `${path} = ${[...valuesAt(path)].join('')}`).join('; ') },
    { name: 'Differs between arms', value: different.join('; ') || 'nothing but seeds and learning rates' },
    ...settings.map(({ path, value, from }) => ({ name: `${path} (${from})`, value: JSON.stringify(value) })),
  ];
}

/** A config's values that are no objects, as text, by dotted path. */
function leavesOf(config: JsonObject, prefix = ''): Map<string, string> {
  const leaves = new Map<string, string>();
  for (const [key, value] of Object.entries(config)) {
    const path = prefix + key;
    if (isJsonObject(value)) for (const [below, text] of leavesOf(value, `${path}.`)) leaves.set(below, text);
    else leaves.set(path, typeof value === 'string' ? value : JSON.stringify(value));
  }
  return leaves;
}

function provenanceFacts(found: Collected['provenance'][number]): Fact[] {
  const { numericsId, assay, commit, source, onnxruntime, node, os, arch, instructionSets } = found;
  return [
    { name: 'numericsId', value: numericsId },
    {
      name: 'Code',
      value: `assay ${assay}${commit === undefined ? '' : `, commit ${commit}`}${source === undefined ? '' : `, study source ${source}`}`,
    },
    { name: 'Machine', value: `${os} ${arch}, ${instructionSets}, node ${node}, onnxruntime ${onnxruntime}` },
  ];
}
