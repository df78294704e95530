/**
 * From a frame of confirmatory runs to verdicts: the rules of docs/method.md from matching to decision. Pure: the same
 * study and frame always give the same analysis; random numbers come from the seed in the options.
 */
import { rngOf } from '#base/rng.ts';
import type { Axis, Contrast, Study } from '#study/study.ts';
import type { Analysis, DivergedRun, EarlierLook, PastBest } from './records/analysis-record.ts';
import { contrastResult, familyP, type ContrastResult } from './verdict/contrast-result.ts';
import {
  controlOutcomes,
  judgeControl,
  hopefulControls,
  positiveControls,
  unsettled,
  type Control,
} from './verdict/controls.ts';
import { descriptionOf, exploratoryRecords } from './description/description.ts';
import { LOOKS, LOOKS_TEXT } from '#study/looks.ts';
import type { Frame } from './frame.ts';
import type { NamingStudy } from './words/naming.ts';
import { mapRecord } from './claims/maps.ts';
import { absencesOf, claimRecords, studyClaims, type SpokenClaims, type StudyClaims } from './claims/study-claims.ts';
import { indexCurves, type CurveIndex } from './matching/pair.ts';
import type { VerdictRecord } from './records/verdict-record.ts';
import { alphaOfLook, CONTROL_ALPHA, type LookAlpha } from './verdict/alpha-spending.ts';
import { clustersOf, type Clusters } from './verdict/clusters.ts';
import { earlierDecisions, type EarlierDecisions, type TakenLook } from './verdict/earlier-decisions.ts';
import { contrastName, judgeFamily, laterLooks, lookAlpha, notRun, type Setting } from './verdict/verdict.ts';

/** The parts of a study the analysis reads; labels of arms are only for its sentences, their factors for its maps. */
export type AnalysedStudy = NamingStudy &
  Pick<Study, 'outcomes' | 'coherence' | 'contrasts' | 'blocks' | 'claims' | 'maps'>;

/** How a study is looked at. */
export interface AnalysisOptions {
  /** `sequential`: looked at with the blocks of `study/looks.ts` only, each look with its own alpha. Default `fixed`. */
  readonly design?: 'fixed' | 'sequential';
  /** Looks taken at the same study before, in their order: what they spent of alpha is gone, what they decided stands. */
  readonly previousLooks?: readonly TakenLook[];
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
  const earlier = earlierDecisions(frame, options.previousLooks ?? [], (seen, previousLooks) =>
    analysedAlone(study, seen, { ...options, previousLooks, verdictsOnly: true }),
  );
  return analysedAlone(study, frame, options, earlier);
}

/** One look by its own alpha; with what earlier ones decided, where that is asked. */
function analysedAlone(
  study: AnalysedStudy,
  frame: Frame,
  options: AnalysisOptions,
  earlier?: EarlierDecisions,
): Analysis {
  const rng = rngOf(options.seed ?? 0, 'analysis');
  const full = options.verdictsOnly !== true;
  const index = indexCurves(frame, study.matchOn);
  const look = lookOf(blocksOf(frame), options);
  const clusters = clustersOf(frame, study.blocks);
  const compared: Compared = { index, study, clusters };
  const ran = study.contrasts.filter((contrast) => index.has(contrast.arm) && index.has(contrast.reference));
  const missing = study.contrasts.filter((contrast) => !ran.includes(contrast));
  const why = (contrast: Contrast): string => whyNotRun(contrast, index, options.whyMissing);
  const questions = ran.filter((contrast) => contrast.kind === 'question');
  const known = ran
    .filter((contrast) => contrast.kind === 'control')
    .map((control) => ({ control, results: controlResults(compared, control) }));
  const family = resultsOf(compared, questions, 'confirmatory');
  const claims = studyClaims(study.claims ?? [], compared, options.whyMissing, rng.split('claims'));
  const setting: Setting = {
    study,
    look,
    alphaShare: (times) => alphaShareAfter(look, blocksOf(frame), times, options),
    controls: [
      ...known.map(({ control, results }) =>
        judgeControl(control, results, { study, frame, index, alpha: CONTROL_ALPHA, rng: rng.split('controls') }),
      ),
      ...missing.flatMap((one) => (one.kind === 'control' ? [unsettled(one.name, why(one))] : [])),
      ...claims.controls,
    ],
    positive: (outcome) => positiveControls(known, outcome, CONTROL_ALPHA, rng.split('positive')),
    hopeful: (outcome) => hopefulControls(known, outcome, rng.split('hopeful')),
    p: familyP(family, rng.split('family'), claims.members),
    ...(earlier && { earlier }),
    power: full,
    rng: rng.split('power'),
  };
  const { judged, absenceAlpha } = judgeFamily(family, setting, absencesOf(claims));
  return {
    verdicts: [
      ...judged.map((one) => one.record),
      ...missing.flatMap((one) => (one.kind === 'question' ? notRunVerdicts(one, study, why(one)) : [])),
    ],
    controls: setting.controls,
    ...placesOf(compared, claims, setting, absenceAlpha),
    ...(look.kind === 'alpha' && {
      look: { blocks: blocksOf(frame), alpha: look.alpha, previous: spentBy(options.previousLooks ?? []) },
    }),
    notRun: missing.map(contrastName),
    diverged: divergedRuns(frame),
    pastBest: full ? study.matchOn.flatMap((axis) => (axis.untilBest === true ? pastBest(frame, axis) : [])) : [],
    descriptions: full ? family.flatMap((result, i) => descriptionOf(result, judged[i], study)) : [],
    exploratory: full ? exploratoryRecords(resultsOf(compared, questions, 'exploratory'), rng.split('screen')) : [],
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

function spentBy(looks: readonly TakenLook[]): EarlierLook[] {
  return looks.map(({ blocks, alpha }) => ({ blocks, alpha }));
}

/** The alpha of this look. */
function lookOf(blocks: number, { design, previousLooks }: AnalysisOptions): LookAlpha {
  const previous = previousLooks ?? [];
  // Looks taken before that the sequential study did not plan have spent of its alpha.
  const isAsPlanned = previous.every((look) => LOOKS.get(look.blocks) === look.alpha);
  if (design !== 'sequential' || !isAsPlanned) return alphaOfLook(blocks, previous);
  const alpha = LOOKS.get(blocks);
  return alpha === undefined
    ? { kind: 'none', reason: `a sequential study is looked at with ${LOOKS_TEXT} blocks only` }
    : { kind: 'alpha', alpha };
}

/** A later look's alpha relative to this one's; the looks of a sequential study were given theirs beforehand. */
function alphaShareAfter(look: LookAlpha, blocks: number, times: number, options: AnalysisOptions): number {
  if (look.kind === 'none' || options.design === 'sequential') return 1;
  const previous = options.previousLooks ?? [];
  // Read again, a look is among those taken: it spends its alpha once.
  const isTaken = previous.some((one) => one.blocks === blocks);
  const next = alphaOfLook(blocks * times, isTaken ? previous : [...previous, { blocks, alpha: look.alpha }]);
  return next.kind === 'alpha' ? next.alpha / look.alpha : 0;
}

function blocksOf(frame: Frame): number {
  return new Set(frame.runs.map((run) => run.block)).size;
}

/** What contrasts are worked out from. */
interface Compared {
  readonly index: CurveIndex;
  readonly study: AnalysedStudy;
  readonly clusters: Clusters | undefined;
}

function resultsOf(
  { index, study, clusters }: Compared,
  contrasts: readonly Contrast[],
  role: 'confirmatory' | 'exploratory',
): ContrastResult[] {
  const outcomes = study.outcomes.filter((outcome) => outcome.role === role);
  return contrasts.flatMap((contrast) =>
    outcomes.map((outcome) => contrastResult(index, study, contrast, outcome, clusters)),
  );
}

/** What is said place by place: claims and maps. */
function placesOf(
  { index, study, clusters }: Compared,
  claims: StudyClaims,
  setting: Setting,
  absenceAlpha: number,
): Pick<Analysis, 'claims' | 'maps'> {
  const { look, controls, alphaShare, p, positive, earlier } = setting;
  const spoken: SpokenClaims = {
    study,
    look,
    alpha: lookAlpha(look),
    absenceAlpha,
    controls,
    ...(earlier && { earlier }),
    ...(setting.power && { later: laterLooks(study, alphaShare) }),
  };
  const mapping = { index, arms: study.arms ?? [], matchOn: study.matchOn, clusters };
  return {
    ...(claims.results.length > 0 && { claims: claimRecords(claims, spoken, p.others, positive, study.matchOn) }),
    ...(study.maps && { maps: study.maps.map((map) => mapRecord(map, mapping)) }),
  };
}

function controlResults({ index, study, clusters }: Compared, control: Control): ContrastResult[] {
  if (control.expect === 'identical') return [];
  return controlOutcomes(control, study.outcomes).map((outcome) =>
    contrastResult(index, study, control, outcome, clusters),
  );
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
