/** Simulates studies of a world, analyses each, and counts what its checks ask for. */
import { rngOf, type Rng } from '#base/rng.ts';
import { analyse, type AnalysedStudy } from '#analysis/analyse.ts';
import type { TakenLook } from '#analysis/verdict/earlier-decisions.ts';
import type { Analysis, EarlierLook } from '#analysis/records/analysis-record.ts';
import type { ClaimLevel } from '#analysis/records/claim-record.ts';
import type { Frame } from '#analysis/frame.ts';
import { clopperPearson } from '#analysis/stats/proportion.ts';
import { alphaOfLook } from '#analysis/verdict/alpha-spending.ts';
import { LOOK_BLOCKS } from '#study/looks.ts';
import type { Interval } from '#analysis/records/verdict-record.ts';
import { claimStudy, simulateClaims } from './claim-world.ts';
import { simulate, simulateArms, WORLD_STUDY, type World } from './world.ts';
import type { Bound, Check, Counted, Design, ValidityWorld } from './validity-world.ts';

/** What came of a range of studies: for every check how often it was met and how often it could be asked. */
export interface Tally {
  readonly counts: readonly { readonly hits: number; readonly studies: number }[];
  /** Verdict -> studies, and studies in which the positive control failed. */
  readonly verdicts: Readonly<Record<string, number>>;
  readonly controlFailures: number;
}

/** Simulates studies `from` up to `to` (exclusive); every study depends on the world's name and its number alone. */
export function runStudies(one: ValidityWorld, from: number, to: number): Tally {
  const counts = one.checks.map(() => ({ hits: 0, studies: 0 }));
  const verdicts: Record<string, number> = {};
  let controlFailures = 0;
  for (let study = from; study < to; study++) {
    const analysis = studyOf(one, rngOf(study, one.name));
    const verdict = analysis.verdicts[0]?.verdict ?? claimLevels(analysis)[0]?.verdict ?? 'undecided';
    verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
    if (analysis.controls.some((control) => !control.passed)) controlFailures++;
    one.checks.forEach((check, i) => {
      const hit = counted(analysis, check.counted);
      const count = counts[i];
      if (hit === undefined || count === undefined) return;
      count.studies++;
      if (hit) count.hits++;
    });
  }
  return { counts, verdicts, controlFailures };
}

/** Adds up tallies of the same world. */
export function addTallies(a: Tally, b: Tally): Tally {
  const verdicts: Record<string, number> = { ...a.verdicts };
  for (const [verdict, count] of Object.entries(b.verdicts)) verdicts[verdict] = (verdicts[verdict] ?? 0) + count;
  const counts = a.counts.map((one, i) => ({
    hits: one.hits + (b.counts[i]?.hits ?? 0),
    studies: one.studies + (b.counts[i]?.studies ?? 0),
  }));
  return { counts, verdicts, controlFailures: a.controlFailures + b.controlFailures };
}

function studyOf(one: ValidityWorld, rng: Rng): Analysis {
  const { world, design } = one;
  const study = { ...WORLD_STUDY, ...one.study };
  switch (design.kind) {
    case 'fixed':
      return analyse(study, simulate(world, design.blocks, rng), { verdictsOnly: true });
    case 'sequential':
      return sequentialStudy(simulate(world, Math.max(...LOOK_BLOCKS), rng));
    case 'split':
      return analyse(WORLD_STUDY, splitOf(simulate(world, design.poolBlocks, rng), design.blocks, rng), {
        verdictsOnly: true,
      });
    case 'family': {
      const arms = Array.from({ length: design.arms }, (_, i) => `arm ${i}`);
      const isControlled = design.isControlled === true;
      const frame = simulateArms(world, design.blocks, arms, rng, isControlled);
      return analyse(familyStudy(study, arms, isControlled), frame, { verdictsOnly: true });
    }
    case 'continued':
      return continuedStudy(study, simulate(world, Math.max(...design.looks), rng), design.looks);
    case 'through':
      return throughLooks(study, world, design, rng);
    case 'claims':
      return analyse(claimStudy(design, study), simulateClaims(world, design, rng), { verdictsOnly: true });
    default:
      return design satisfies never;
  }
}

/** Takes the looks one after another; stops at the first that decides. */
function sequentialStudy(frame: Frame): Analysis {
  let analysis: Analysis | undefined;
  for (const blocks of LOOK_BLOCKS) {
    const seen = { runs: frame.runs.filter((run) => run.block < blocks) };
    analysis = analyse(WORLD_STUDY, seen, { verdictsOnly: true, design: 'sequential' });
    if (analysis.verdicts[0]?.verdict !== 'undecided') break;
  }
  if (analysis === undefined) throw new Error('a sequential study has looks');
  return analysis;
}

/** Splits the reference's runs at random into two pseudo-arms, paired at random; the control keeps its reference's block. */
function splitOf(pool: Frame, blocks: number, rng: Rng): Frame {
  const poolBlocks = new Set(pool.runs.map((run) => run.block)).size;
  const order = rng.permutation(poolBlocks);
  const runs = pool.runs.flatMap((run) => {
    const place = order.indexOf(run.block);
    if (place < 0 || place >= 2 * blocks) return [];
    const block = place % blocks;
    if (run.arm === 'reference') return [{ ...run, block, arm: place < blocks ? 'arm' : 'reference' }];
    return run.arm === 'positive' && place >= blocks ? [{ ...run, block }] : [];
  });
  return { runs };
}

/** Goes on with more blocks after every look that left the question undecided. */
function continuedStudy(study: AnalysedStudy, frame: Frame, looks: readonly number[]): Analysis {
  let analysis: Analysis | undefined;
  const previousLooks: EarlierLook[] = [];
  for (const blocks of looks) {
    const seen = { runs: frame.runs.filter((run) => run.block < blocks) };
    analysis = analyse(study, seen, { verdictsOnly: true, previousLooks });
    // Where claims are asked, whatever is answered first stops: nothing that an earlier look would have said is lost.
    if (analysis.verdicts[0]?.verdict !== 'undecided' || claimLevels(analysis).some(isDecided)) break;
    if (analysis.look !== undefined) previousLooks.push(analysis.look);
  }
  if (analysis === undefined) throw new Error('a continued study has looks');
  return analysis;
}

/** Takes every look, as somebody does who goes on because one question of several is open. */
function throughLooks(
  study: AnalysedStudy,
  world: World,
  { looks, arms }: Extract<Design, { kind: 'through' }>,
  rng: Rng,
): Analysis {
  const names = Array.from({ length: arms }, (_, i) => (i === 0 ? 'arm' : `arm ${i}`));
  const frame = simulateArms(world, Math.max(...looks), names, rng, true);
  const previousLooks: TakenLook[] = [];
  for (const blocks of looks.slice(0, -1)) {
    const look = alphaOfLook(blocks, previousLooks);
    const alpha = look.kind === 'alpha' ? look.alpha : 0;
    previousLooks.push({ blocks, alpha, seen: Array.from({ length: blocks }, (_, block) => block) });
  }
  return analyse(familyStudy(study, names, true), frame, { verdictsOnly: true, previousLooks });
}

function familyStudy(study: AnalysedStudy, arms: readonly string[], isControlled: boolean): AnalysedStudy {
  const questions = arms.map((arm) => ({ kind: 'question' as const, arm, reference: 'reference' }));
  const controls = isControlled ? study.contrasts.filter(({ kind }) => kind === 'control') : [];
  return { ...study, contrasts: [...questions, ...controls] };
}

/** Whether a study meets what a check counts; undefined where it cannot be asked. */
function counted(analysis: Analysis, what: Counted): boolean | undefined {
  const [first] = analysis.verdicts;
  switch (what.kind) {
    case 'verdict':
      return first !== undefined && what.verdicts.includes(first.verdict);
    case 'explainedBy':
      return first?.explainedBy !== undefined && what.by.includes(first.explainedBy);
    case 'anyVerdict':
      return analysis.verdicts.some(({ verdict }) => what.verdicts.includes(verdict));
    case 'covers': {
      const matching = first?.matchings[what.matching];
      if (matching?.kind !== 'estimated') return undefined;
      return matching.ci95[0] <= what.truth && what.truth <= matching.ci95[1];
    }
    case 'anyRejection':
      return analysis.verdicts.some((verdict) =>
        Object.values(verdict.matchings).some((one) => one.kind === 'estimated' && one.p < what.alpha),
      );
    case 'anyClaim':
      return claimLevels(analysis).some(
        ({ verdict, place }) => what.verdicts.includes(verdict) && what.levels?.includes(place) !== false,
      );
    case 'anyAnswer':
      return (
        analysis.verdicts.some(({ verdict }) => verdict !== 'undecided' && what.verdicts.includes(verdict)) ||
        claimLevels(analysis).some(({ verdict }) => what.claims.includes(verdict))
      );
    case 'firstClaim':
      return what.verdicts.includes(claimLevels(analysis)[0]?.verdict ?? 'undecided');
    case 'claimCovers': {
      const interval = claimLevels(analysis)[0]?.ci95;
      if (interval === undefined || interval === null) return undefined;
      return interval[0] <= what.truth && what.truth <= interval[1];
    }
    default:
      return what satisfies never;
  }
}

function isDecided({ verdict }: ClaimLevel): boolean {
  return verdict !== 'undecided';
}

/** All levels of the claims that are asked, with their numbers within each claim. */
function claimLevels({ claims }: Analysis): (ClaimLevel & { readonly place: number })[] {
  const asked = claims?.filter(({ asks }) => asks === 'question') ?? [];
  return asked.flatMap(({ levels }) => levels.map((level, place) => ({ ...level, place })));
}

/** A check's rate with its interval, and whether the bound holds. */
export interface Finding {
  readonly check: Check;
  readonly rate: number;
  readonly interval: Interval;
  readonly studies: number;
  readonly passed: boolean;
}

/** Judges a world's tally. */
export function findingsOf(one: ValidityWorld, tally: Tally): Finding[] {
  return one.checks.map((check, i) => {
    const { hits, studies } = tally.counts[i] ?? { hits: 0, studies: 0 };
    const rate = hits / Math.max(1, studies);
    const interval = clopperPearson(hits, Math.max(1, studies));
    return { check, rate, interval, studies, passed: studies > 0 && holds(check.bound, rate, interval) };
  });
}

function holds(bound: Bound, rate: number, interval: Interval): boolean {
  switch (bound.kind) {
    case 'upperLimitAtMost':
      return interval[1] <= bound.value;
    case 'atLeast':
      return rate >= bound.value;
    case 'between':
      return rate >= bound.low && rate <= bound.high;
    case 'exactly':
      return rate === bound.value;
    default:
      return bound satisfies never;
  }
}
