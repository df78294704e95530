/** `assay run`: plan, make what is missing, answer. */
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';

import { AssayError } from '#base/errors.ts';
import type { RunSummary } from '#runner/run-study.ts';
import { doubtOf } from '#store/file-system.ts';
import { openSqliteStore } from '#store/sqlite.ts';
import type { Store } from '#store/store.ts';
import { LOOK_BLOCKS } from '#study/looks.ts';
import { overriddenFactors, type StudyPlan } from '#study/plan.ts';

import { type Answer, isDecided, lookedAt } from '#desk/answer.ts';
import { answerLines, EXIT, exitStatusOf } from './answer-lines.ts';
import { reproducingCommand, shellWord } from './command-text.ts';
import { checkReady } from './endpoints.ts';
import { saySummaries } from '#desk/file-summaries.ts';
import { findStudy } from '#desk/find-study.ts';
import { planName } from '#desk/plan-name.ts';
import { makeRuns, type RunRequest } from './make-runs.ts';
import type { Given, OptionName } from './options.ts';
import { chosenStudy, PLAN_OPTIONS, planGiven } from './plan-given.ts';
import { durationOf, nameOf } from './progress.ts';
import { resultLine } from './result-line.ts';
import { storeFolder } from './store-folder.ts';
import type { Terminal } from './terminal.ts';

export const RUN_OPTIONS: readonly OptionName[] = [
  ...PLAN_OPTIONS,
  'until-decided',
  'max-seeds',
  'allow-key',
  'allow-endpoint',
  'workers',
  'store',
  'checkpoint-seconds',
  'mix-numerics',
  'force',
  'json',
];

const DEFAULT_CHECKPOINT_SECONDS = 2;

/** A plan with its runs made and its answer. */
interface Answered {
  readonly plan: StudyPlan;
  readonly summary: RunSummary;
  readonly answer: Answer;
}

/** Runs a study; resolves with the exit status. @throws AssayError before any training on bad usage or input. */
export async function runCommand(given: Given, terminal: Terminal): Promise<number> {
  const startedMs = terminal.now();
  const found = await findStudy(given.positionals[0] ?? '');
  const looks = looksOf(given);
  const chosen = await chosenStudy(found.study, given, terminal, given.flag('json'));
  const plans = looks.map((blocks) => planGiven(chosen, given, blocks));
  const request: RunRequest = {
    found,
    folder: storeFolder(given),
    workers: given.count('workers') ?? availableParallelism(),
    checkpointMs: checkpointSecondsOf(given) * 1000,
    isMixingAllowed: given.flag('mix-numerics'),
    isJson: given.flag('json'),
    isForced: given.flag('force'),
    toldDoubts: new Set(),
  };
  warnOf(plans, request.folder, terminal);
  const [first] = plans; // Later looks read the same files and need the same things.
  if (first !== undefined) {
    await saySummaries(first, terminal, request.isJson);
    await checkReady(first, request.folder, given, terminal);
  }
  await using store = await openSqliteStore(request.folder);
  const answered = await answerPlans(plans, store, request, given.positionals[0] ?? '', terminal);
  if (answered === undefined) {
    terminal.note(`Stopped. Nothing durable was lost. To resume: ${commandLine(given)}`);
    return EXIT.interrupted;
  }
  const { plan, summary, answer } = answered;
  const seconds = (terminal.now() - startedMs) / 1000;
  const say = request.isJson ? terminal.note : terminal.out;
  for (const { run, message } of summary.failures) terminal.note(`failed: ${nameOf(run)}: ${message}`);
  for (const line of answerLines(answer, terminal)) say(line);
  say(`${plan.study.name} (${plan.profile}): ${countsOf(summary)} in ${durationOf(seconds)}`);
  if (request.isJson) {
    terminal.out(resultLine({ study: plan.study.name, profile: plan.profile, summary, seconds, answer }));
  }
  return exitStatusOf(summary.failures.length, answer);
}

/** Makes and answers plans of ever more blocks until all verdicts and claims are decided; undefined if stopped. */
async function answerPlans(
  plans: readonly StudyPlan[],
  store: Store,
  request: RunRequest,
  study: string,
  terminal: Terminal,
): Promise<Answered | undefined> {
  let answered: Answered | undefined;
  for (const plan of plans) {
    const summary = await makeRuns(plan, store, request, terminal);
    if (summary === undefined) return undefined;
    const answer = await lookedAt(store, {
      plan,
      planId: plan.planId,
      keptIn: request.folder,
      reportFolder: { path: resolve(request.folder, 'reports', planName(plan)), isForced: request.isForced },
      command: reproducingCommand(study, plan),
    });
    answered = { plan, summary, answer };
    if (isDecided(answer)) break;
  }
  return answered;
}

/** The command that does the same again. */
function commandLine(given: Given): string {
  const options = RUN_OPTIONS.flatMap((name) => {
    return given.flag(name) ? [`--${name}`] : given.texts(name).map((text) => `--${name} ${shellWord(text)}`);
  });
  return ['assay run', ...given.positionals.map(shellWord), ...options].join(' ');
}

/** The block counts to run to, one after another; `undefined` is the profile's own. */
function looksOf(given: Given): (number | undefined)[] {
  const most = given.count('max-seeds');
  if (!given.flag('until-decided')) {
    if (most !== undefined) throw new AssayError('usage', '--max-seeds needs --until-decided.');
    return [given.count('seeds')];
  }
  if (given.count('seeds') !== undefined) throw new AssayError('usage', 'Give either --seeds or --until-decided.');
  const looks = LOOK_BLOCKS.filter((blocks) => blocks <= (most ?? Infinity));
  if (looks.length > 0) return looks;
  throw new AssayError('usage', `--max-seeds expects at least ${LOOK_BLOCKS[0]}, the first look; found ${most}.`);
}

function warnOf(plans: readonly StudyPlan[], folder: string, terminal: Terminal): void {
  const doubt = doubtOf(folder);
  if (doubt !== undefined) terminal.note(`warning: ${doubt}`);
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

function countsOf({ finished, diverged, failures }: RunSummary): string {
  return `${finished} finished, ${diverged} diverged, ${failures.length} failed`;
}
