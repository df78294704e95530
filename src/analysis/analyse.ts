/**
 * From a frame of confirmatory runs to verdicts: the rules of METHOD.md from matching to decision. Pure: the same
 * study and frame always give the same analysis; random numbers come from the seed in the options.
 */
import { rngOf } from '#base/rng.ts';
import type { Axis, Contrast, Study } from '#study/study.ts';
import type { Analysis, DivergedRun, PastBest } from './records/analysis-record.ts';
import { contrastResult, familyP, type ContrastResult } from './verdict/contrast-result.ts';
import { controlOutcomes, judgeControl, positiveControls, unsettled, type Control } from './verdict/controls.ts';
import { descriptionOf, exploratoryRecords } from './description/description.ts';
import { LOOKS } from '#study/looks.ts';
import type { Frame } from './frame.ts';
import type { NamingStudy } from './words/naming.ts';
import { indexCurves, type CurveIndex } from './matching/pair.ts';
import type { VerdictRecord } from './records/verdict-record.ts';
import { contrastName, FIXED_ALPHA, judge, notRun, type Setting } from './verdict/verdict.ts';

/** The parts of a study the analysis reads; labels of arms are only for its sentences. */
export type AnalysedStudy = NamingStudy & Pick<Study, 'outcomes' | 'coherence' | 'contrasts'>;

/** How a study is looked at. */
export interface AnalysisOptions {
  /** `sequential`: looked at with the blocks of `study/looks.ts` only, each look with its own alpha. Default `fixed`: alpha .05. */
  readonly design?: 'fixed' | 'sequential';
  /** Seed of random sign flips (above 14 blocks) and of the power simulation. Default 0. */
  readonly seed?: number;
  /** Verdicts and controls only, without power and descriptions: for simulation studies. */
  readonly verdictsOnly?: boolean;
  /** Why an arm has no runs, where more is known than that there are none. */
  readonly whyMissing?: (arm: string) => string | undefined;
}

/**
 * Analyses a study's confirmatory runs.
 * @throws AssayError where an arm, block and learning rate has two runs.
 */
export function analyse(study: AnalysedStudy, frame: Frame, options: AnalysisOptions = {}): Analysis {
  const rng = rngOf(options.seed ?? 0, 'analysis');
  const full = options.verdictsOnly !== true;
  const index = indexCurves(frame, study.matchOn);
  const alpha = options.design === 'sequential' ? LOOKS.get(blocksOf(frame)) : FIXED_ALPHA;
  const ran = study.contrasts.filter((contrast) => index.has(contrast.arm) && index.has(contrast.reference));
  const missing = study.contrasts.filter((contrast) => !ran.includes(contrast));
  const why = (contrast: Contrast): string => whyNotRun(contrast, index, options.whyMissing);
  const questions = ran.filter((contrast) => contrast.kind === 'question');
  const known = ran
    .filter((contrast) => contrast.kind === 'control')
    .map((control) => ({ control, results: controlResults(index, study, control) }));
  const family = resultsOf(index, study, questions, 'confirmatory');
  const setting: Setting = {
    study,
    alpha,
    controls: [
      ...known.map(({ control, results }) =>
        judgeControl(control, results, {
          study,
          frame,
          index,
          alpha: alpha ?? FIXED_ALPHA,
          rng: rng.split('controls'),
        }),
      ),
      ...missing.flatMap((one) => (one.kind === 'control' ? [unsettled(one.name, why(one))] : [])),
    ],
    positive: (outcome) => positiveControls(known, outcome, alpha ?? FIXED_ALPHA, rng.split('positive')),
    p: familyP(family, rng.split('family')),
    power: full,
    rng: rng.split('power'),
  };
  const judged = family.map((result) => judge(result, setting));
  return {
    verdicts: [
      ...judged.map((one) => one.record),
      ...missing.flatMap((one) => (one.kind === 'question' ? notRunVerdicts(one, study, why(one)) : [])),
    ],
    controls: setting.controls,
    notRun: missing.map(contrastName),
    diverged: divergedRuns(frame),
    pastBest: full ? study.matchOn.flatMap((axis) => (axis.untilBest === true ? pastBest(frame, axis) : [])) : [],
    descriptions: full ? family.flatMap((result, i) => descriptionOf(result, judged[i], study)) : [],
    exploratory: full ? exploratoryRecords(resultsOf(index, study, questions, 'exploratory'), rng.split('screen')) : [],
  };
}

function whyNotRun({ arm, reference }: Contrast, index: CurveIndex, whyMissing: AnalysisOptions['whyMissing']): string {
  const arms = [arm, reference].filter((name) => !index.has(name));
  return arms.map((name) => whyMissing?.(name) ?? `there are no finished runs of "${name}"`).join('; ');
}

function notRunVerdicts(contrast: Contrast, study: AnalysedStudy, reason: string): VerdictRecord[] {
  const confirmatory = study.outcomes.filter(({ role }) => role === 'confirmatory');
  return confirmatory.map((outcome) => notRun(contrast, outcome, study, reason));
}

function blocksOf(frame: Frame): number {
  return new Set(frame.runs.map((run) => run.block)).size;
}

function resultsOf(
  index: CurveIndex,
  study: AnalysedStudy,
  contrasts: readonly Contrast[],
  role: 'confirmatory' | 'exploratory',
): ContrastResult[] {
  const outcomes = study.outcomes.filter((outcome) => outcome.role === role);
  return contrasts.flatMap((contrast) => outcomes.map((outcome) => contrastResult(index, study, contrast, outcome)));
}

function controlResults(index: CurveIndex, study: AnalysedStudy, control: Control): ContrastResult[] {
  if (control.expect === 'identical') return [];
  return controlOutcomes(control, study.outcomes).map((outcome) => contrastResult(index, study, control, outcome));
}

function divergedRuns(frame: Frame): DivergedRun[] {
  const diverged = frame.runs.filter((run) => run.status === 'diverged');
  return diverged.map(({ arm, block, learningRate }) =>
    learningRate === undefined ? { arm, block } : { arm, block, learningRate },
  );
}

function pastBest(frame: Frame, axis: Axis): PastBest[] {
  const sign = axis.direction === 'falls' ? 1 : -1;
  return [...Map.groupBy(frame.runs, (run) => run.arm)].map(([arm, runs]) => {
    const worsenings = runs.map((run) => {
      const values = run.points.flatMap((point) => point.axes[axis.name] ?? []);
      const best = values.reduce((least, value) => Math.min(least, sign * value), Infinity);
      return values.length === 0 ? 0 : sign * (values.at(-1) ?? 0) - best;
    });
    const meanWorsening = worsenings.reduce((sum, value) => sum + value, 0) / runs.length;
    return {
      arm,
      axis: axis.name,
      runs: runs.length,
      runsPastBest: worsenings.filter((one) => one > 0).length,
      meanWorsening,
    };
  });
}
