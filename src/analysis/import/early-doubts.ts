/**
 * What an audit would say of an arm's first runs, while the others are still to be made and settings can still be changed.
 * The same doubts as of runs trained elsewhere, and levels that the arm does not pass.
 */
import { curveOf } from '#analysis/matching/passage.ts';
import { midSentence } from '#analysis/words/naming.ts';
import { inUnit, plain } from '#analysis/words/number-text.ts';
import type { AnalysedStudy } from '#analysis/analyse.ts';
import type { Frame, FrameRun } from '#analysis/frame.ts';
import { armsOfClaim, isOnMap } from '#study/claim.ts';
import type { Axis } from '#study/study.ts';
import type { Doubt } from './doubt.ts';
import { MISSED_FRACTION, missingDoubt, noiseDoubt, zeroDoubts } from './doubts.ts';
import { equalRunDoubts } from './equal-runs.ts';

/** A doubt, and what it is about beside its arm: the same kind, arm and subject is one doubt, however many runs it rests on. */
export interface EarlyDoubt extends Doubt {
  readonly about: string;
}

/** What runs show of the probes they were made with, and what to do: `spare` is how many times closer they have to be. */
export type ProbeAdvice = (spare: number) => string;

/**
 * Doubts about probes: too far apart for the levels, or of an axis that goes up and down.
 * @param runs Of one arm, at learning rates that go on.
 */
export function probeDoubts(
  study: Pick<AnalysedStudy, 'matchOn'>,
  runs: readonly FrameRun[],
  advice: ProbeAdvice,
): EarlyDoubt[] {
  const arm = runs[0]?.arm ?? '';
  const noise = study.matchOn.flatMap((axis) =>
    noiseDoubt({ runs }, axis).map((doubt) => ({ doubt, about: axis.name })),
  );
  return [
    ...study.matchOn.flatMap((axis) => wideDoubt(axis, runs, advice)),
    ...[...noise, ...zeroDoubts({ runs }, study.matchOn).map((doubt) => ({ doubt, about: '' }))].map(
      ({ doubt, about }): EarlyDoubt => ({ ...doubt, about, text: `${arm}: ${doubt.text}` }),
    ),
  ];
}

/**
 * Doubts about an arm's confirmatory runs: outcomes that are missing where levels are passed, and runs that are one run.
 * @param frame All confirmatory runs so far that may be compared.
 */
export function resultDoubts(study: AnalysedStudy, frame: Frame, arm: string): EarlyDoubt[] {
  const runs = frame.runs.filter((run) => run.arm === arm);
  const compared = study.contrasts.length === 0 ? [] : study.outcomes.filter(({ role }) => role === 'confirmatory');
  const missing = study.matchOn.flatMap((axis) =>
    compared.flatMap((outcome) =>
      missingDoubt({ runs }, axis, outcome).map((doubt): EarlyDoubt => ({
        ...doubt,
        about: `${axis.name} ${outcome.name}`,
        text: `${arm}: ${doubt.text}`,
      })),
    ),
  );
  const equalBlocks = equalRunDoubts({ runs }, { contrasts: [] });
  const equalArms = study.contrasts
    .filter((contrast) => contrast.arm === arm || contrast.reference === arm)
    .flatMap((contrast) =>
      equalRunDoubts(frame, { contrasts: [contrast] })
        .filter(({ kind }) => kind === 'equalArms')
        .map((doubt): EarlyDoubt => ({ ...doubt, about: `${contrast.arm} ${contrast.reference}` })),
    );
  return [...missing, ...equalBlocks.map((doubt): EarlyDoubt => ({ ...doubt, about: '' })), ...equalArms];
}

/** Levels that none of an arm's runs passes, of axes along which something is asked of that arm. */
export function levelDoubts(study: AnalysedStudy, runs: readonly FrameRun[]): EarlyDoubt[] {
  const asked = askedAxes(study, runs[0]?.arm ?? '');
  const curves = runs.map((run) => curveOf(run, asked));
  return asked.flatMap((axis, a): EarlyDoubt[] => {
    // What is passed between probes too far apart has a doubt of its own.
    const unpassed = axis.levels.filter((_, l) =>
      curves.every(({ passages }) => {
        const passage = passages[a]?.[l];
        return passage?.kind === 'missed' && passage.reason !== 'gap too wide';
      }),
    );
    if (unpassed.length === 0 || runs.length === 0) return [];
    const levels = `${unpassed.length === 1 ? 'level' : 'levels'} ${unpassed.join(', ')} of ${midSentence(axis.label)}`;
    const is = unpassed.length === 1 ? 'is' : 'are';
    const none = runs.length === 1 ? `not passed by the run` : `passed by none of ${runs.length} runs`;
    const text = `${levels} ${is} ${none} of ${runs[0]?.arm ?? ''}, which ${coverText(axis, runs)}: train on, or choose other levels`;
    return [{ kind: 'levelsNotReached', about: axis.name, text }];
  });
}

/** Axes that contrasts, claims and maps read an arm along: one that is read at its end alone, such as a fingerprint, passes no level. */
function askedAxes({ matchOn, contrasts, claims = [], maps = [], arms = [] }: AnalysedStudy, name: string): Axis[] {
  if (contrasts.some(({ arm, reference }) => arm === name || reference === name)) return [...matchOn];
  const places = [
    ...claims.filter((claim) => armsOfClaim(claim).includes(name)),
    ...maps.filter((map) => arms.some((arm) => arm.name === name && isOnMap(arm, map))),
  ].map(({ at }) => at);
  return matchOn.filter((axis) => places.some((at) => at.kind !== 'end' && at.axis === axis.name));
}

/** "begin at 2.1 to 2.3 and end at 0.6 to 0.7 nats". */
function coverText({ name, unit }: Axis, runs: readonly FrameRun[]): string {
  const values = runs.map(({ points }) => points.flatMap(({ axes }) => axes[name] ?? []));
  const known = values.filter((own) => own.length > 0);
  if (known.length === 0) return 'never measured it';
  const range = (of: readonly number[]): string => {
    const [low, high] = [plain(Math.min(...of)), plain(Math.max(...of))];
    return low === high ? low : `${low} to ${high}`;
  };
  const [firsts, lasts] = [known.map((own) => own[0] ?? 0), known.map((own) => own.at(-1) ?? 0)];
  return `${runs.length === 1 ? 'begins' : 'begin'} at ${range(firsts)} and ${runs.length === 1 ? 'ends' : 'end'} at ${inUnit(range(lasts), unit)}`;
}

/** Steps between probes over a level that are too wide to count. */
function wideDoubt(axis: Axis, runs: readonly FrameRun[], advice: ProbeAdvice): EarlyDoubt[] {
  const passages = runs.flatMap((run) => curveOf(run, [axis]).passages[0] ?? []);
  const passed = passages.filter((passage) => passage.kind === 'crossed' || passage.reason === 'gap too wide');
  const wide = passed.filter(({ kind }) => kind === 'missed').length;
  const widest = Math.max(0, ...runs.flatMap((run) => stepsOverLevels(axis, run)));
  if (wide <= MISSED_FRACTION * passed.length || widest <= axis.maxGap) return [];
  const moves = axis.direction === 'falls' ? 'falls' : 'rises';
  const text = `${runs[0]?.arm ?? ''}: ${midSentence(axis.label)} ${moves} ${inUnit(plain(widest), axis.unit)} between probes, at most ${plain(axis.maxGap)} counts (${wide} of ${passed.length} levels are lost so): ${advice(widest / axis.maxGap)}`;
  return [{ kind: 'wideGaps', about: axis.name, text }];
}

/** How far the axis moves between each two neighbouring probes that a level lies between. */
function stepsOverLevels({ name, levels }: Axis, { points }: FrameRun): number[] {
  const values = points.flatMap(({ axes }) => axes[name] ?? []);
  return values.slice(1).flatMap((value, i) => {
    const before = values[i] ?? value;
    const [low, high] = [Math.min(before, value), Math.max(before, value)];
    return levels.some((level) => low <= level && level <= high) ? [high - low] : [];
  });
}
