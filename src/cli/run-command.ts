/** `assay run`: plan, make what is missing, answer. */
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';

import { AssayError } from '#base/errors.ts';
import { provenanceHere } from '#runner/provenance.ts';
import { type RunSummary, runStudy } from '#runner/run-study.ts';
import { openSqliteStore } from '#store/sqlite.ts';
import type { Store } from '#store/store.ts';
import { overriddenFactors, type StudyPlan } from '#study/plan.ts';

import { type Answer, answerOf } from './answer.ts';
import { findStudy, type FoundStudy } from './find-study.ts';
import { frameOf } from './frame.ts';
import type { Given, OptionName } from './options.ts';
import { PLAN_OPTIONS, planGiven } from './plan-given.ts';
import { durationOf, nameOf, progressOn } from './progress.ts';
import { resultLine } from './result-line.ts';
import { runTable } from './run-table.ts';
import { storeFolder } from './store-folder.ts';
import type { Terminal } from './terminal.ts';
import { packageVersion, sourceCommit } from './version.ts';

export const RUN_OPTIONS: readonly OptionName[] = [
  ...PLAN_OPTIONS,
  'until-decided',
  'max-seeds',
  'workers',
  'store',
  'checkpoint-seconds',
  'mix-numerics',
  'json',
];

/** Looks of a sequential study, in blocks (METHOD.md, Sequential studies). */
const LOOKS = [8, 12, 16];
const DEFAULT_CHECKPOINT_SECONDS = 2;

/** Exit statuses of `run`. */
const EXIT = { ended: 0, failedRuns: 1, controlFailed: 3, interrupted: 130 } as const;

/** What was asked for, checked before anything is made. */
interface Request {
  readonly found: FoundStudy;
  readonly folder: string;
  readonly workers: number;
  readonly checkpointMs: number;
  readonly isMixingAllowed: boolean;
  readonly isJson: boolean;
}

/** Runs a study; resolves with the exit status. @throws AssayError before any training on bad usage or input. */
export async function runCommand(given: Given, terminal: Terminal): Promise<number> {
  const startedMs = terminal.now();
  const found = await findStudy(given.positionals[0] ?? '');
  const looks = looksOf(given);
  const plans = looks.map((blocks) => planGiven(found.study, given, blocks));
  const request: Request = {
    found,
    folder: storeFolder(given),
    workers: given.count('workers') ?? availableParallelism(),
    checkpointMs: checkpointSecondsOf(given) * 1000,
    isMixingAllowed: given.flag('mix-numerics'),
    isJson: given.flag('json'),
  };
  warnOf(plans, terminal);
  await using store = await openSqliteStore(request.folder);
  const say = request.isJson ? terminal.note : terminal.out;
  let last: { plan: StudyPlan; summary: RunSummary; answer: Answer } | undefined;
  for (const plan of plans) {
    const made = await makeRuns(plan, store, request, terminal);
    if (made.isStopped) {
      terminal.note(`Stopped. Nothing durable was lost. To resume: ${commandLine(given)}`);
      return EXIT.interrupted;
    }
    const answer = await answerOf({
      plan,
      frame: await frameOf(store, plan.planId),
      settled: await store.readSettled(plan.planId),
      reportPath: resolve(request.folder, 'reports', `${plan.study.name}-${plan.profile}.html`),
      command: commandLine(given),
    });
    last = { plan, summary: made.summary, answer };
    if (answer.verdicts.every(({ verdict }) => verdict !== 'undecided')) break;
  }
  if (last === undefined) throw new AssayError('usage', 'Expected at least one look.');
  const { plan, summary, answer } = last;
  const seconds = (terminal.now() - startedMs) / 1000;
  for (const line of await runTable(store, plan.planId)) say(line);
  for (const { run, message } of summary.failures) terminal.note(`failed: ${nameOf(run)}: ${message}`);
  for (const line of answerLines(answer)) say(line);
  say(
    `${plan.study.name} (${plan.profile}): ${summary.finished} finished, ${summary.diverged} diverged, ${summary.failures.length} failed in ${durationOf(seconds)}`,
  );
  if (request.isJson) {
    terminal.out(resultLine({ study: plan.study.name, profile: plan.profile, summary, seconds, answer }));
  }
  return exitStatusOf(summary, answer);
}

/** The command that does the same again. */
export function commandLine(given: Given): string {
  const quoted = (text: string): string =>
    /^[\w./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const options = RUN_OPTIONS.flatMap((name) =>
    given.flag(name)
      ? [`--${name}`]
      : given
          .texts(name)
          .filter((text) => text !== 'false')
          .map((text) => `--${name} ${quoted(text)}`),
  );
  return ['assay run', ...given.positionals.map(quoted), ...options].join(' ');
}

/** Makes a plan's runs, with Ctrl-C stopping at checkpoints and a second one killing. */
async function makeRuns(
  plan: StudyPlan,
  store: Store,
  request: Request,
  terminal: Terminal,
): Promise<{ summary: RunSummary; isStopped: boolean }> {
  const [stop, kill] = [new AbortController(), new AbortController()];
  const onSignal = (): void => (stop.signal.aborted ? kill : stop).abort();
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  const progress = progressOn(terminal, request.isJson);
  try {
    const summary = await runStudy(plan, {
      store,
      folder: request.folder,
      workers: request.workers,
      workerUrl: import.meta.resolve('#cli/worker-main.ts'),
      studyUrl: request.found.url,
      provenance: provenanceHere(packageVersion(), sourceCommit()),
      isMixingAllowed: request.isMixingAllowed,
      checkpointMs: request.checkpointMs,
      onEvent: progress.onEvent,
      stop: stop.signal,
      kill: kill.signal,
    });
    return { summary, isStopped: stop.signal.aborted && !summary.isComplete };
  } finally {
    progress.close();
    for (const signal of signals) process.off(signal, onSignal);
  }
}

/** The block counts to run to, one after another; `undefined` is the profile's own. */
function looksOf(given: Given): (number | undefined)[] {
  const most = given.count('max-seeds');
  if (!given.flag('until-decided')) {
    if (most !== undefined) throw new AssayError('usage', '--max-seeds needs --until-decided.');
    return [given.count('seeds')];
  }
  if (given.count('seeds') !== undefined) throw new AssayError('usage', 'Give either --seeds or --until-decided.');
  const looks = LOOKS.filter((blocks) => blocks <= (most ?? Infinity));
  if (looks.length === 0)
    throw new AssayError('usage', `--max-seeds expects at least ${LOOKS[0]}, the first look; found ${most}.`);
  return looks;
}

function warnOf(plans: readonly StudyPlan[], terminal: Terminal): void {
  for (const overridden of plans[0] === undefined ? [] : overriddenFactors(plans[0])) {
    terminal.note(`warning: --set overrides what arms differ in: ${overridden}`);
  }
}

function checkpointSecondsOf(given: Given): number {
  const text = given.text('checkpoint-seconds');
  const seconds = text === undefined ? DEFAULT_CHECKPOINT_SECONDS : Number(text);
  if (text?.trim() !== '' && Number.isFinite(seconds) && seconds >= 0) return seconds;
  throw new AssayError('usage', `--checkpoint-seconds expects a number of at least 0, found "${text}".`);
}

function answerLines({ controls, verdicts, report }: Answer): string[] {
  return [
    ...controls.map(({ name, passed, detail }) => `control ${name}: ${passed ? 'passed' : 'FAILED'} (${detail})`),
    ...verdicts.map(({ outcome, contrast, verdict, reason }) => `${outcome}, ${contrast}: ${verdict} (${reason})`),
    ...(report === undefined ? [] : [`report: ${report}`]),
  ];
}

function exitStatusOf(summary: RunSummary, answer: Answer): number {
  if (summary.failures.length > 0) return EXIT.failedRuns;
  return answer.controls.every(({ passed }) => passed) ? EXIT.ended : EXIT.controlFailed;
}
