/**
 * Tables of final results: a row a run, no trajectory. No loss is matched there, so what differs may differ because one arm
 * is further in training; losses at the end are described beside the answer and never matched on (ADR 0111).
 */
import { ancovaOf } from '#analysis/description/ancova.ts';
import type { Observation } from '#analysis/description/observations.ts';
import type { Frame, FrameRun } from '#analysis/frame.ts';
import { estimateOf, intervalOf } from '#analysis/stats/estimate.ts';
import { midSentence } from '#analysis/words/naming.ts';
import { intervalText, signed } from '#analysis/words/number-text.ts';
import type { Doubt } from './doubt.ts';
import { pairDoubts } from './doubts.ts';
import { equalResultDoubts, type ComparedArms } from './equal-results.ts';

/** A number that is described, not judged. */
interface Named {
  readonly name: string;
  readonly label: string;
}

/** An outcome with its smallest effect of interest. */
interface Measured extends Named {
  readonly delta: number;
}

/** What is asked of final results. */
export interface FinalRequest {
  /** Pairs of arms that are compared; those expected to be the same to the bit are not among them. */
  readonly pairs: readonly ComparedArms[];
  readonly outcomes: readonly Measured[];
  /** Losses at the end. */
  readonly covariates: readonly Named[];
}

/** Everything questionable about a frame of final results, and what its losses at the end say. */
export function finalDoubts(frame: Frame, { pairs, outcomes, covariates }: FinalRequest): Doubt[] {
  return [
    ...pairs.flatMap(({ arm, reference }) => pairDoubts(frame, arm, reference)),
    ...outcomes.flatMap((outcome) => missingDoubt(frame, outcome)),
    ...equalResultDoubts(frame, pairs),
    ...covariates.flatMap((covariate) => pairs.flatMap((pair) => covariateDoubt(frame, pair, covariate, outcomes))),
  ];
}

const NAMES_SHOWN = 10;

function missingDoubt({ runs }: Frame, { name, label }: Named): Doubt[] {
  const without = runs.filter(
    ({ points, status }) => status === 'finished' && points[0]?.outcomes?.[name] === undefined,
  );
  if (without.length === 0) return [];
  const names = without.slice(0, NAMES_SHOWN).map(({ arm, block }) => `${arm} seed ${block}`);
  const more = without.length > NAMES_SHOWN ? ', ...' : '';
  const text = `${midSentence(label)} is missing in ${without.length} of ${runs.length} rows (${names.join(', ')}${more}): these seeds do not count for it`;
  return [{ kind: 'missingResults', text }];
}

/** A loss at the end: how far two arms are apart in it, and what a line through it would leave of each outcome's difference. */
function covariateDoubt(
  frame: Frame,
  { arm, reference }: ComparedArms,
  covariate: Named,
  outcomes: readonly Measured[],
): Doubt[] {
  const pairs = pairedRuns(frame, arm, reference);
  const differences = pairs.flatMap(({ mine, theirs }) => {
    const [own, other] = [axisOf(mine, covariate), axisOf(theirs, covariate)];
    return own === undefined || other === undefined ? [] : [own - other];
  });
  const estimate = estimateOf(differences);
  if (estimate === undefined) return [];
  const loss = midSentence(covariate.label);
  const interval = intervalOf(estimate, 0.95);
  const scale = Math.max(...interval.map(Math.abs));
  const apart = `${loss} at the end: ${arm} against ${reference} ${signed(estimate.mean, scale)} ${intervalText(interval, scale)}`;
  const text = `${apart}${alongText(pairs, covariate, outcomes)}. This describes; nothing is matched on it, and the comparison is one of arms at the end of their training`;
  return [{ kind: 'describedCovariate', text }];
}

/** What a straight line leaves of the differences; no line is drawn out to losses that one arm never had. */
function alongText(pairs: readonly PairedRuns[], covariate: Named, outcomes: readonly Measured[]): string {
  const rangeOf = (runs: readonly FrameRun[]): readonly [number, number] => {
    const values = runs.flatMap((run) => axisOf(run, covariate) ?? []);
    return [Math.min(...values), Math.max(...values)];
  };
  const [mine, theirs] = [rangeOf(pairs.map((pair) => pair.mine)), rangeOf(pairs.map((pair) => pair.theirs))];
  if (Math.max(mine[0], theirs[0]) >= Math.min(mine[1], theirs[1])) {
    return '; no value is common to both arms, so that nothing here tells what it explains';
  }
  const left = outcomes.flatMap((outcome) => adjustedText(pairs, covariate, outcome));
  return left.length === 0 ? '' : `; along a straight line in it the arms would differ by ${left.join(', ')}`;
}

interface PairedRuns {
  readonly mine: FrameRun;
  readonly theirs: FrameRun;
}

function pairedRuns({ runs }: Frame, arm: string, reference: string): PairedRuns[] {
  const others = runs.filter((run) => run.arm === reference);
  return runs
    .filter((run) => run.arm === arm)
    .flatMap((mine) => {
      const theirs = others.find((run) => run.block === mine.block && run.learningRate === mine.learningRate);
      return theirs === undefined ? [] : [{ mine, theirs }];
    });
}

function adjustedText(pairs: readonly PairedRuns[], covariate: Named, outcome: Measured): string[] {
  const observations = pairs.flatMap(({ mine, theirs }) => {
    const both = [observationOf(mine, true, covariate, outcome), observationOf(theirs, false, covariate, outcome)];
    const known = both.flatMap((one) => one ?? []);
    return known.length === both.length ? known : [];
  });
  const ancova = ancovaOf(observations);
  if (ancova.kind === 'notEstimable') return [];
  const { label, delta } = outcome;
  return [`${signed(ancova.estimate, delta)} ${intervalText(ancova.ci95, delta)} in ${midSentence(label)}`];
}

function observationOf(run: FrameRun, isArm: boolean, covariate: Named, outcome: Named): Observation | undefined {
  const [axis, value] = [axisOf(run, covariate), run.points[0]?.outcomes?.[outcome.name]];
  return axis === undefined || value === undefined ? undefined : { block: run.block, isArm, axes: [axis], value };
}

function axisOf(run: FrameRun, { name }: Named): number | undefined {
  return run.points[0]?.axes[name];
}
