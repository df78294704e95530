/** `assay audit`: the verdicts, table and report of a study for runs that were trained elsewhere; nothing is trained. */
import { existsSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';

import { analyse } from '#analysis/analyse.ts';
import type { Analysis } from '#analysis/records/analysis-record.ts';
import type { FrameRun } from '#analysis/frame.ts';
import { AssayError } from '#base/errors.ts';
import { isJsonObject } from '#base/json.ts';
import { renderReport } from '#report/report.ts';

import type { Answer } from '#desk/answer.ts';
import { answerLines, exitStatusOf } from './answer-lines.ts';
import { type AuditMap, EMPTY_MAP, jsonObject, mapOf, mapOfPlan } from '#desk/audit/audit-map.ts';
import { AUDIT_OPTIONS, withFlags } from './audit-options.ts';
import { auditSource, textOf } from '#desk/audit/audit-sources.ts';
import { auditOf } from '#desk/audit/audit-study.ts';
import type { Audit } from '#desk/audit/audited.ts';
import { type OutputFolder, writeOutputs } from '#desk/output-folder.ts';
import { undecidedNotes } from '#desk/audit/undecided-notes.ts';
import { shellWord } from './command-text.ts';
import type { Given } from './options.ts';
import { resultLine } from './result-line.ts';
import type { Terminal } from './terminal.ts';

/** Stands for a profile in the result line. */
const PROFILE = 'audit';
/** Flags that ask a question of their own: a plan beside the table is then not looked at. */
const ASKING = ['train', 'held-out', 'axis', 'outcome'] as const;
/** What `assay export` writes beside a table. */
const PLAN_FILE = 'plan.json';
const RUNS_FILE = 'runs.jsonl';

/** What an audit is asked, and runs that broke before their first probe, which a table cannot show. */
interface Asked {
  readonly map: AuditMap;
  readonly extra: readonly FrameRun[];
}

/** Audits a table or the files of runs; resolves with the exit status. @throws AssayError on bad usage or input, before anything is written. */
export async function auditCommand(given: Given, terminal: Terminal): Promise<number> {
  const startedMs = terminal.now();
  const [first = ''] = given.positionals;
  const source = await auditSource(given.positionals);
  const { map, extra } = askedOf(resolve(first), given, terminal);
  const imported = auditOf(source, map, extra);
  if (source.isLabelled) terminal.note(runsFound(imported));
  const analysis = analyse(imported.study, imported.frame, {
    design: map.design ?? 'fixed',
    whyMissing: (arm) => `the table has no runs of "${arm}"`,
  });
  const audit = { ...imported, doubts: [...imported.doubts, ...undecidedNotes(analysis.verdicts)] };
  const path = resolve(given.text('out') ?? `${basename(first, extname(first))}-audit`);
  const folder = { path, isForced: given.flag('force') };
  const report = writeAuditReport(folder, audit, analysis, source.hash, commandOf(given));
  const { controls, verdicts, claims, maps } = analysis;
  const answer: Answer = { controls, verdicts, ...(claims && { claims }), ...(maps && { maps }), report };
  for (const doubt of audit.doubts) terminal.note(`doubt: ${doubt}`);
  const say = given.flag('json') ? terminal.note : terminal.out;
  for (const line of answerLines(answer, terminal)) say(line);
  if (given.flag('json')) {
    const diverged = audit.frame.runs.filter(({ status }) => status === 'diverged').length;
    const summary = { finished: audit.frame.runs.length - diverged, diverged, failures: [], isComplete: true };
    const seconds = (terminal.now() - startedMs) / 1000;
    terminal.out(resultLine({ study: audit.study.name, profile: PROFILE, summary, seconds, answer }));
  }
  return exitStatusOf(0, answer);
}

/** The map of the flags, of `--map`, or of the plan beside an export of ours. */
function askedOf(path: string, given: Given, terminal: Terminal): Asked {
  const file = given.text('map');
  if (file !== undefined) {
    const map = mapOf(jsonObject(textOf(resolve(file)), file));
    return { map: withFlags(map, given), extra: [] };
  }
  const plan = join(dirname(path), PLAN_FILE);
  const isAsking = ASKING.some((name) => given.texts(name).length > 0);
  if (isAsking || !existsSync(plan)) return { map: withFlags(EMPTY_MAP, given), extra: [] };
  const { description } = jsonObject(textOf(plan), PLAN_FILE);
  if (!isJsonObject(description)) {
    throw new AssayError('data', `${PLAN_FILE} beside the table is no plan of "assay export". Give --map.`);
  }
  terminal.note(`The plan beside the table says what is asked (${plan}).`);
  const runs = join(dirname(path), RUNS_FILE);
  return { map: withFlags(mapOfPlan(description), given), extra: existsSync(runs) ? brokenRuns(textOf(runs)) : [] };
}

/** The diverged confirmatory runs of an export's list, without points. */
function brokenRuns(lines: string): FrameRun[] {
  return lines.split('\n').flatMap((line): FrameRun[] => {
    if (line === '') return [];
    const { phase, end, arm, block, learningRate } = jsonObject(line, RUNS_FILE);
    const isBroken = phase === 'confirmatory' && isJsonObject(end) && end['kind'] === 'diverged';
    if (!isBroken || typeof arm !== 'string' || typeof block !== 'number') return [];
    const rate = typeof learningRate === 'number' ? { learningRate } : {};
    return [{ arm, block, ...rate, status: 'diverged', points: [] }];
  });
}

/** What a pattern found: "24 runs: adamw (8 seeds), muon (8 seeds)". */
function runsFound({ frame: { runs } }: Audit): string {
  const arms = [...Map.groupBy(runs, ({ arm }) => arm)].map(
    ([arm, own]) => `${arm} (${new Set(own.map(({ block }) => block)).size} seeds)`,
  );
  return `${runs.length} runs: ${arms.join(', ')}`;
}

function writeAuditReport(
  folder: OutputFolder,
  audit: Audit,
  analysis: Analysis,
  hash: string,
  command: string,
): string {
  const { html, files } = renderReport({
    study: audit.study,
    frame: audit.frame,
    analysis,
    troubledRuns: [],
    heldEqual: [{ name: 'Everything else', value: 'not known to this audit: the runs were trained elsewhere' }],
    provenance: [{ name: 'Table', value: `sha256 ${hash}` }],
    doubts: audit.doubts,
    command,
  });
  writeOutputs(folder, [...files, { name: 'report.html', content: html }]);
  return join(folder.path, 'report.html');
}

function commandOf(given: Given): string {
  const options = AUDIT_OPTIONS.flatMap((name) =>
    given.flag(name) ? [`--${name}`] : given.texts(name).flatMap((text) => [`--${name}`, text]),
  );
  return ['assay', 'audit', ...given.positionals, ...options].map(shellWord).join(' ');
}
