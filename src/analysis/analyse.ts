/**
 * From a frame of confirmatory runs to verdicts: the rules of METHOD.md from matching to decision. Pure: the same
 * study and frame always give the same analysis; random numbers come from the seed in the options.
 */
import { rngOf, type Rng } from '#base/rng.ts';
import type { Study } from '#study/study.ts';
import type { Analysis, DivergedRun } from './analysis-record.ts';
import { contrastResult, familyP, pByName, type ContrastResult, type FamilyP } from './contrast-result.ts';
import { controlOutcomes, judgeControl, positiveControls, type Control } from './controls.ts';
import { decide, type Decision, type Evidence, type Rule } from './decide.ts';
import { evidenceOf, type ControlLookup } from './evidence.ts';
import type { Frame } from './frame.ts';
import { MIN_BLOCKS } from './match.ts';
import { indexCurves, type CurveIndex } from './pair.ts';
import { furtherBlocks } from './power.ts';
import { reasonOf, shortNumber, type Speaking } from './reason.ts';
import { claimedP, learningRatesOf, matchingResults } from './record.ts';
import type { ControlRecord, VerdictRecord } from './verdict-record.ts';

/** The parts of a study the analysis reads. */
export type AnalysedStudy = Pick<Study, 'scope' | 'matchOn' | 'outcomes' | 'coherence' | 'contrasts'>;

/** How a study is looked at. */
export interface AnalysisOptions {
  /** `sequential`: looks at 8, 12 and 16 blocks only, each with its own alpha. Default `fixed`: alpha .05. */
  readonly design?: 'fixed' | 'sequential';
  /** Seed of random sign flips (above 14 blocks) and of the power simulation. Default 0. */
  readonly seed?: number;
  /** Verdicts and controls only, without power and descriptions: for simulation studies. */
  readonly verdictsOnly?: boolean;
}

const FIXED_ALPHA = 0.05;
/** Blocks at a look -> alpha of test and equivalence. */
const LOOKS = new Map([
  [8, 0.01],
  [12, 0.015],
  [16, 0.025],
]);
/** More voided blocks than this share leave a pair undecided. */
const VOIDED_FRACTION = 0.1;

/** Everything one verdict is made from. */
interface Setting {
  readonly study: AnalysedStudy;
  readonly alpha: number | undefined;
  readonly controls: readonly ControlRecord[];
  readonly positive: (outcome: string) => ControlLookup;
  readonly p: FamilyP;
  readonly power: boolean;
  readonly rng: Rng;
}

/**
 * Analyses a study's confirmatory runs.
 * @throws AssayError where an arm, block and learning rate has two runs.
 */
export function analyse(study: AnalysedStudy, frame: Frame, options: AnalysisOptions = {}): Analysis {
  const rng = rngOf(options.seed ?? 0, 'analysis');
  const index = indexCurves(frame, study.matchOn);
  const alpha = options.design === 'sequential' ? LOOKS.get(blocksOf(frame)) : FIXED_ALPHA;
  const { ran, notRun } = declared(study, index);
  const controlResults = ran.controls.map((control) => ({ control, results: resultsOf(index, study, control) }));
  const controls = controlResults.map(({ control, results }) =>
    judgeControl(control, results, frame, alpha ?? FIXED_ALPHA, rng.split('controls')),
  );
  const confirmatory = study.outcomes.filter((outcome) => outcome.role === 'confirmatory');
  const family = ran.questions.flatMap((contrast) =>
    confirmatory.map((outcome) => contrastResult(index, study, contrast, outcome)),
  );
  const known = controlResults.flatMap(({ control, results }) =>
    results.map((result) => ({ ...result, contrast: control })),
  );
  const setting: Setting = {
    study,
    alpha,
    controls,
    positive: (outcome) => positiveControls(known, outcome, rng.split('positive')),
    p: familyP(family, rng.split('family')),
    power: options.verdictsOnly !== true,
    rng: rng.split('power'),
  };
  return {
    verdicts: family.map((result) => verdictOf(result, setting)),
    controls,
    notRun,
    diverged: divergedRuns(frame),
  };
}

function blocksOf(frame: Frame): number {
  return new Set(frame.runs.map((run) => run.block)).size;
}

/** Declared contrasts whose arms are in the frame; a profile may leave arms out. */
function declared(
  study: AnalysedStudy,
  index: CurveIndex,
): { ran: { questions: Study['contrasts']; controls: Control[] }; notRun: string[] } {
  const hasRuns = (contrast: Study['contrasts'][number]): boolean =>
    index.has(contrast.arm) && index.has(contrast.reference);
  const ran = study.contrasts.filter(hasRuns);
  return {
    ran: {
      questions: ran.filter((contrast) => contrast.kind === 'question'),
      controls: ran.filter((contrast) => contrast.kind === 'control'),
    },
    notRun: study.contrasts.filter((contrast) => !hasRuns(contrast)).map(contrastName),
  };
}

/** The name of a contrast in records: a control's own, else "arm vs reference". */
export function contrastName(contrast: Study['contrasts'][number]): string {
  return contrast.kind === 'control' ? contrast.name : `${contrast.arm} vs ${contrast.reference}`;
}

function resultsOf(index: CurveIndex, study: AnalysedStudy, control: Control): ContrastResult[] {
  if (control.expect === 'identical') return [];
  return controlOutcomes(control, study.outcomes).map((outcome) => contrastResult(index, study, control, outcome));
}

function divergedRuns(frame: Frame): DivergedRun[] {
  const diverged = frame.runs.filter((run) => run.status === 'diverged');
  return diverged.map(({ arm, block, learningRate }) =>
    learningRate === undefined ? { arm, block } : { arm, block, learningRate },
  );
}

function verdictOf(result: ContrastResult, setting: Setting): VerdictRecord {
  const { contrast, outcome, pair, matched } = result;
  const rule: Rule = { delta: outcome.delta, alpha: setting.alpha ?? FIXED_ALPHA };
  const p = pByName(result, setting.p.adjusted);
  const lookup = setting.positive(outcome.name);
  const evidence = evidenceOf(matched.singles, matched.joint, p, lookup);
  const blockers = blockersOf(result, evidence, setting);
  const about: Speaking = {
    scope: setting.study.scope,
    arm: contrast.arm,
    reference: contrast.reference,
    outcome,
    axes: setting.study.matchOn,
    rule,
    blocks: matched.usableBlocks,
  };
  const base = {
    outcome: outcome.name,
    contrast: contrastName(contrast),
    arm: contrast.arm,
    reference: contrast.reference,
    delta: outcome.delta,
    blocks: matched.usableBlocks,
    matchings: matchingResults(matched, p),
    learningRates: learningRatesOf(contrast.arm, contrast.reference, pair),
    voided: matched.voided,
  };
  if (evidence === undefined || blockers.length > 0) {
    const claims = evidence?.singles.map((matching) => matching.name) ?? [];
    const reason = `On ${about.scope}: undecided for ${about.arm} against ${about.reference}: ${blockers.join('; ')}.`;
    return { ...base, verdict: 'undecided', reason, p: claimedP(evidence, claims) };
  }
  const decision = decide(evidence, rule);
  const further = needsMore(decision) && setting.power ? furtherBlocks(matched, lookup, rule, setting.rng) : undefined;
  return {
    ...base,
    verdict: decision.kind,
    reason: reasonOf(decision, evidence, about, further),
    p: claimedP(evidence, decision.claims),
    ...(further === undefined ? {} : { furtherBlocks: further }),
  };
}

/** Whether more blocks can help: not where a missing control or overlap stands in the way. */
function needsMore(decision: Decision): boolean {
  if (decision.kind !== 'undecided') return false;
  return decision.why.kind !== 'jointNotTestable' && decision.why.kind !== 'noPositiveControl';
}

/** Rule 0: what leaves a verdict undecided before any estimate is looked at. */
function blockersOf(result: ContrastResult, evidence: Evidence | undefined, setting: Setting): string[] {
  const { matched } = result;
  const failed = setting.controls.filter((control) => !control.passed);
  const blockers = failed.map((control) => `the control "${control.name}" failed (${control.detail})`);
  if (setting.alpha === undefined)
    blockers.push(`a sequential study is looked at with ${[...LOOKS.keys()].join(', ')} blocks only`);
  for (const table of matched.singles) {
    if (table.kind === 'notEstimable') blockers.push(`no support for matching on ${table.name}: ${table.reason}`);
  }
  if (matched.usableBlocks < MIN_BLOCKS) {
    blockers.push(`${matched.usableBlocks} usable blocks, at least ${MIN_BLOCKS} needed`);
  }
  const voided = matched.allBlocks - matched.usableBlocks;
  if (voided > VOIDED_FRACTION * matched.allBlocks) {
    const reasons = [...new Set(matched.voided.map((one) => one.reason))].join(', ');
    blockers.push(
      `${voided} of ${matched.allBlocks} blocks voided (${reasons}), more than ${shortNumber(100 * VOIDED_FRACTION)}%`,
    );
  }
  if (evidence === undefined && blockers.length === 0) blockers.push('a matching is not estimable');
  return blockers;
}
