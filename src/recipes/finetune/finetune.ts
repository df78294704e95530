/**
 * One run on the user's own model and data: finetune on the training rows, and follow the evaluations against the
 * training loss and the held-out loss, both on answer tokens alone.
 */
import { join } from 'node:path';

import { AssayError } from '#base/errors.ts';
import { canonicalJson, contentHash, isEverywhere, type JsonObject, sha256 } from '#base/json.ts';
import type { KnownScores } from '#measures/evaluation-line.ts';
import { billText, checkJudge, emptyBill, rubricNames } from '#measures/judge.ts';
import { OWN_SCORES, type ScoreReply } from '#measures/reply-scores.ts';
import type { Weights } from '#learning/weights.ts';
import type { Recipe, RunContext } from '#study/recipe.ts';
import type { RunEnd } from '#study/trajectory.ts';

import { writeTrainedAdapter, writeTrainedModel } from './adapter.ts';
import { FINETUNE_AXES, FINETUNE_DEFAULTS, FORMER_PATHS, type FinetuneConfig, readFinetuneConfig } from './config.ts';
import { outcomeNames } from './evaluations.ts';
import { checkFiles, checkSaved, fileHashes, finetunePaths } from './files.ts';
import { createFinetuneLab, type FinetuneLab } from './lab.ts';
import { type Material, type MaterialConfig, readMaterial, type ShareFile } from './material.ts';
import { checkMethod, readFiles, type ReadFiles } from './summary.ts';
import { trainingRun } from '#recipes/training-run.ts';

/** A training loss no run recovers from: so many times that of guessing among all tokens. */
const EXPLODED = 2;

/** What a study adds to the recipe. */
export interface FinetuneOptions {
  /**
   * Functions that score replies, by the name evaluations give in "score". A function's identity is its source text;
   * what it calls is not seen, so give `{ version, score }` and raise the version where that changes.
   */
  readonly scorers?: Readonly<
    Record<string, ScoreReply | { readonly version: number | string; readonly score: ScoreReply }>
  >;
  /** Outcomes that the study compares: a file of evaluations that does not give them is refused. */
  readonly outcomes?: readonly string[];
}
/** The shared step that makes a base's weights a file, and the version of the file's layout. */
const WEIGHTS_STEP = 'float32 weights';
const WEIGHTS_FORMAT = 1;

/**
 * The recipe. Between the runs of one process it keeps the last model read and the last lab compiled, one of each since
 * they may be large; numbers never depend on that.
 */
export function finetune(options: FinetuneOptions = {}): Recipe {
  const scorers = ownScorers(options);
  const bench = oneBench();
  const hashes = fileHashes();
  const read = filesReadOnce(scorers);
  return {
    name: 'finetune',
    semanticsVersion: 5,
    defaults: FINETUNE_DEFAULTS,
    learningRatePath: 'learningRate',
    formerPaths: FORMER_PATHS,
    stopRule: { axis: 'train', path: 'stopBelow', multiples: ['trainOfBase'] },
    levelsPath: 'measure.levels',
    // Outcomes are those of the evaluations' file, which `check` reads.
    gives: () => ({ axes: FINETUNE_AXES }),
    // Not `threads`: some products have other last bits on more of them (ADR 0181).
    measurePaths: ['measure', 'save', 'replies'],
    check: (json) => {
      const config = readFinetuneConfig(json);
      checkSaved(config.save);
      judgedBy(config, scorers, options.outcomes);
    },
    measuredBy: () => scorers.versions,
    async ready(json, chat) {
      const config = readFinetuneConfig(json);
      if (judgedBy(config, scorers) !== undefined) await checkJudge(config.replies.judge, chat);
    },
    inputs: (config) => hashes(readFinetuneConfig(config)),
    async files(json) {
      const config = readFinetuneConfig(json);
      const { summaries, model } = await read(config);
      await checkMethod(config, model);
      return summaries;
    },
    async run(context) {
      const config = readFinetuneConfig(context.config);
      const lab = await bench(config, knownScores(config, scorers), context);
      return runOn(context, config, lab, scorers);
    },
  };
}

/** A study's scorers, and what tells one version of them from another. */
interface OwnScorers {
  readonly functions: Readonly<Record<string, ScoreReply>>;
  readonly versions: Readonly<Record<string, string>>;
}

function ownScorers({ scorers = {} }: FinetuneOptions): OwnScorers {
  const list = Object.entries(scorers).map(([name, own]) => {
    const isPlain = typeof own === 'function';
    const version = isPlain ? sha256(own.toString()) : `version ${own.version}`;
    return { name, score: isPlain ? own : own.score, version };
  });
  return {
    functions: Object.fromEntries(list.map(({ name, score }) => [name, score])),
    versions: Object.fromEntries(list.map(({ name, version }) => [`scorer ${name}`, version])),
  };
}

function knownScores({ replies }: FinetuneConfig, { functions }: OwnScorers): KnownScores {
  return { rubrics: rubricNames(replies.judge), scorers: Object.keys(functions) };
}

/** The place of the first line that a judge scores; checks files and names. @throws AssayError on what cannot be measured. */
function judgedBy(config: FinetuneConfig, scorers: OwnScorers, outcomes: readonly string[] = []): string | undefined {
  const known = knownScores(config, scorers);
  for (const name of known.scorers) {
    const isTaken = [...OWN_SCORES, ...known.rubrics].some((taken) => taken === name);
    if (!isTaken && !isEverywhere(name) && /^[\w-]+$/.test(name)) continue;
    throw new AssayError(
      'config',
      `scorers: expected a name of letters, digits, _ and - that is none of ${[...OWN_SCORES, ...known.rubrics].join(', ')}, found "${name}".`,
    );
  }
  const items = checkFiles(config, known);
  refuseUnmeasured(outcomes, outcomeNames(items), config.evals);
  const judged = items.find((item) => item.kind === 'reply' && item.judges.length > 0);
  const { url, model } = config.replies.judge;
  if (judged?.kind !== 'reply') return undefined;
  if (url !== '' && model !== '') return judged.where;
  throw new AssayError(
    'config',
    `${judged.where}: expected a judge, found none. Set replies.judge.url (an OpenAI-compatible API such as https://api.openai.com/v1) and replies.judge.model.`,
  );
}

function refuseUnmeasured(outcomes: readonly string[], measured: readonly string[], evals: string): void {
  const lacking = outcomes.find((name) => !measured.includes(name));
  if (lacking === undefined) return;
  const where = evals === '' ? 'evals: no file is given, so' : `${evals}:`;
  throw new AssayError(
    'config',
    `${where} expected evaluations that give the study's outcome "${lacking}", found ${measured.join(', ')}. ` +
      'Add its lines, or name other outcomes in a study file.',
  );
}

/** Tokenizes the files of arms that read them alike once. */
function filesReadOnce(scorers: OwnScorers): (config: FinetuneConfig) => Promise<ReadFiles> {
  const known = new Map<string, Promise<ReadFiles>>();
  return async (config) => {
    const key = canonicalJson({ ...materialConfig(config) });
    const found = known.get(key) ?? readFiles(config, knownScores(config, scorers));
    known.set(key, found);
    return found;
  };
}

async function runOn(
  context: RunContext,
  config: FinetuneConfig,
  lab: FinetuneLab,
  scorers: OwnScorers,
): Promise<RunEnd> {
  const { block } = context;
  const { model } = lab.material;
  lab.reset(block, config);
  const plan = {
    steps: config.steps,
    probeEvery: config.probe.every,
    levels: config.measure.levels,
    stopBelow: config.stopBelow,
    explodedAbove: EXPLODED * Math.log(model.vocabulary),
  };
  const bill = emptyBill();
  const rows = lab.material.firstRows.map((row) => `${JSON.stringify(row)}\n`);
  if (config.steps > 0) context.keep?.('training-rows.jsonl', rows.join(''));
  const end = await trainingRun(context, plan, {
    learner: lab.trainer,
    axes: lab.axes,
    outcomes: async ({ step, axes: { heldOut = Number.NaN } }) => {
      const evaluated = await lab.evaluate({ context, config, step, scorers: scorers.functions, bill });
      return { perplexity: Math.exp(heldOut), ...evaluated };
    },
    step: async (step) => lab.step(step, block, config),
  });
  if (bill.asked > 0) context.note?.(billText(bill, config.replies.judge));
  if (end.kind === 'finished') await saveTrained(context, config, lab);
  return end;
}

async function saveTrained(context: RunContext, config: FinetuneConfig, lab: FinetuneLab): Promise<void> {
  const { method, save } = config;
  const { trainer, material } = lab;
  const name = runName(context.config, context.block);
  if (method.kind === 'lora' && save.adapter !== '') {
    await writeTrainedAdapter(join(save.adapter, name), method, material.model, trainer.memory, config.model);
  }
  if (save.model !== '') {
    const weights: Weights = {
      has: (tensor) => trainer.memory.has(tensor) || material.weights.has(tensor),
      get: (tensor) => trainer.memory.get(tensor) ?? material.weights.get(tensor),
    };
    await writeTrainedModel(join(save.model, name), method, weights, finetunePaths(config).model);
  }
}

/** The same run always has the same name, and no two runs share one. */
function runName(config: JsonObject, block: number): string {
  return `seed-${block}-${contentHash(config).slice(0, 16)}`;
}

/** Gives the lab of a config, reading and compiling only what differs from the config before. */
function oneBench(): (config: FinetuneConfig, known: KnownScores, context: RunContext) => Promise<FinetuneLab> {
  let material: { readonly key: string; readonly read: Promise<Material> } | undefined;
  let lab: { readonly key: string; readonly lab: FinetuneLab } | undefined;
  const hashes = fileHashes();
  return async (config, known, context) => {
    const materialKey = canonicalJson({ ...materialConfig(config), hashes: hashes(config) });
    const { method, optimizer, batch, accumulation, threads } = config;
    const replyRows = config.replies.generation.rows;
    const labKey = canonicalJson({ materialKey, method, optimizer, batch, accumulation, threads, replyRows });
    if (lab?.key === labKey) return lab.lab;
    await lab?.lab[Symbol.asyncDispose]();
    lab = undefined;
    if (material?.key !== materialKey)
      material = { key: materialKey, read: readMaterial(config, known, shareFile(config, context, hashes)) };
    const made = await createFinetuneLab(config, await material.read);
    lab = { key: labKey, lab: made };
    return made;
  };
}

/** The base's weights as a shared step: one file a machine, whatever reads it. Absent where the run has no store. */
function shareFile(
  config: FinetuneConfig,
  context: RunContext,
  hashes: ReturnType<typeof fileHashes>,
): ShareFile | undefined {
  const { model = '', adapter } = hashes(config);
  const merged = adapter === undefined || config.adapter.use === 'continue' ? {} : { adapter };
  const { sharedFile } = context;
  return sharedFile === undefined
    ? undefined
    : (write) => sharedFile(WEIGHTS_STEP, { model, ...merged, format: WEIGHTS_FORMAT }, write);
}

function materialConfig(config: FinetuneConfig): MaterialConfig {
  const { model, data, evals, adapter, rows, probe } = config;
  return { model, data, evals, adapter, rows, probe: { rows: probe.rows } };
}
