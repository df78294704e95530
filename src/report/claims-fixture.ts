/**
 * A made-up study of claims alone for the report's tests, never for science: towers read at each depth and at the end of
 * training, against chance, an untrained tower, what a theory predicts and an interaction; with two maps. Its numbers are
 * made-up runs' numbers; its verdicts follow the intervals alone, not the analysis' rule.
 */
import type { Analysis } from '#analysis/records/analysis-record.ts';
import type { ClaimLevel, ClaimRecord, ClaimVerdict, MapRecord } from '#analysis/records/claim-record.ts';
import type { FrameRun } from '#analysis/frame.ts';
import { estimateOf, intervalOf } from '#analysis/stats/estimate.ts';
import { rngOf } from '#base/rng.ts';
import type { Against, Claim, Place, StudyMap } from '#study/claim.ts';
import type { ReportedStudy, ReportInput } from './report-input.ts';

const BLOCKS = 8;
const DELTA = 0.05;
const DEPTHS = [0, 1, 2, 3, 4, 5, 6];
const DEPTH: Place = { kind: 'given', axis: 'depth', label: 'Depth', levels: DEPTHS };
const END: Place = { kind: 'end' };
const CHANCE: Against = { kind: 'value', value: 0.5, label: 'chance' };
const ARMS = [
  { name: 'tower', label: 'Trained towers', gain: 0.32 },
  { name: 'untrained', label: 'Untrained towers', gain: 0 },
  { name: 'shuffled', label: 'Towers trained on shuffled pairs of images and captions', gain: 0.02 },
];

const question = { kind: 'question' } as const;
const CLAIMS: readonly Claim[] = [
  { name: 'towers agree above chance', arm: 'tower', against: CHANCE, at: DEPTH, asks: question },
  { name: 'shuffled pairs stay at chance', arm: 'shuffled', against: CHANCE, at: DEPTH, asks: question },
  {
    name: 'training aligns the towers',
    arm: 'tower',
    against: { kind: 'arm', arm: 'untrained' },
    at: DEPTH,
    asks: question,
  },
  {
    name: 'alignment departs from theory',
    arm: 'tower',
    against: { kind: 'outcome', outcome: 'predicted' },
    at: DEPTH,
    asks: question,
  },
  { name: 'aligned when trained to the end', arm: 'tower', against: CHANCE, at: END, asks: question },
  {
    name: 'alignment grows with depth',
    arm: 'tower',
    against: { kind: 'value', value: 0, label: 'zero' },
    at: { kind: 'trend', axis: 'depth', levels: DEPTHS },
    asks: question,
  },
  {
    name: 'untrained towers at chance',
    arm: 'untrained',
    against: CHANCE,
    at: END,
    asks: { kind: 'control', expect: 'agrees' },
  },
];

const MAPS: readonly StudyMap[] = [
  {
    name: 'tail',
    label: 'Muon minus Adam: loss on rare pairs',
    x: 'exponent',
    y: 'rotation',
    outcome: 'aligned',
    at: END,
    difference: { factor: 'optimizer', from: 'adam', to: 'muon' },
  },
  {
    name: 'load',
    label: 'Share recovered over width and pairs',
    x: 'width',
    y: 'pairs',
    outcome: 'aligned',
    at: END,
    theory: 'predicted',
  },
  {
    name: 'kinds',
    label: 'Share recovered by encoder',
    x: 'encoder',
    y: 'tokens',
    outcome: 'aligned',
    at: END,
    theory: 'predicted',
  },
];

/** The study of the fixture. */
export const CLAIMS_STUDY: ReportedStudy = {
  name: 'towers',
  question: 'At which depth do image and text towers agree?',
  scope: 'made-up towers of seven layers',
  matchOn: [],
  outcomes: [
    {
      name: 'aligned',
      label: 'Pairs recovered',
      unit: 'fraction',
      higherIs: 'better',
      delta: DELTA,
      role: 'confirmatory',
    },
    { name: 'predicted', label: 'Recovery the theory predicts', unit: 'fraction', delta: DELTA, role: 'exploratory' },
  ],
  arms: ARMS.map(({ name, label }) => ({ name, label })),
  claims: CLAIMS,
  maps: MAPS,
};

/** A whole report's input of claims and maps. */
export function claimsFixture(): ReportInput {
  const runs = claimRuns();
  const analysis: Analysis = {
    verdicts: [],
    controls: [{ name: 'untrained towers at chance', passed: true, detail: 'within ±0.05 of chance at the end' }],
    claims: CLAIMS.map((claim) => claimRecord(claim, runs)),
    maps: MAPS.map(mapRecord),
    notRun: [],
    diverged: [],
    pastBest: [],
    descriptions: [],
    exploratory: [],
  };
  return {
    study: CLAIMS_STUDY,
    profile: 'quick',
    frame: { runs },
    analysis,
    troubledRuns: [],
    heldEqual: [],
    provenance: [{ name: 'Study hash', value: '5f0c1f6e' }],
    command: 'assay run towers --profile quick --seeds 8',
  };
}

function claimRuns(): readonly FrameRun[] {
  return ARMS.flatMap(({ name, gain }) =>
    Array.from({ length: BLOCKS }, (_, block): FrameRun => {
      const rng = rngOf(block, name);
      const own = 0.03 * rng.normal();
      const points = DEPTHS.map((depth) => ({
        step: 400,
        axes: { depth },
        outcomes: {
          aligned: 0.5 + (gain + own) * (depth / 6) ** 2 + 0.02 * rng.normal(),
          predicted: 0.5 + 0.3 * (depth / 6),
        },
      }));
      return { arm: name, block, status: 'finished', points };
    }),
  );
}

/** An outcome of an arm's block: at a depth, at the last point, or its change from the first depth to the last. */
function valueOf(
  runs: readonly FrameRun[],
  arm: string,
  block: number,
  outcome: string,
  level: ClaimLevel['level'],
): number {
  const points = runs.find((run) => run.arm === arm && run.block === block)?.points ?? [];
  const at = (depth: number): number => points.find(({ axes }) => axes['depth'] === depth)?.outcomes?.[outcome] ?? 0;
  if (level === 'end') return at(DEPTHS.at(-1) ?? 0);
  return typeof level === 'number' ? at(level) : at(level[1]) - at(level[0]);
}

function otherOf(
  runs: readonly FrameRun[],
  { arm, against }: Claim,
  block: number,
  level: ClaimLevel['level'],
): number {
  switch (against.kind) {
    case 'value':
      return against.value;
    case 'arm':
      return valueOf(runs, against.arm, block, 'aligned', level);
    case 'outcome':
      return valueOf(runs, arm, block, against.outcome, level);
    case 'arms':
      return Object.entries(against.weights).reduce(
        (sum, [name, weight]) => sum + weight * valueOf(runs, name, block, 'aligned', level),
        0,
      );
    default:
      return against satisfies never;
  }
}

function claimRecord(claim: Claim, runs: readonly FrameRun[]): ClaimRecord {
  const { name, arm, against, at, asks } = claim;
  const levels = levelsOf(at).map((level) => claimLevel(claim, runs, level));
  const [from, to] = [levels[0]?.estimate ?? 0, levels.at(-1)?.estimate ?? 0];
  return {
    claim: name,
    outcome: 'aligned',
    arm,
    against,
    at,
    asks: asks.kind,
    reason: `On ${CLAIMS_STUDY.scope}: ${name}, a difference of ${from.toFixed(3)} at the first place and ${to.toFixed(3)} at the last (${BLOCKS} blocks).`,
    delta: DELTA,
    alpha: 0.05,
    absenceAlpha: 0.05,
    levels,
    voided: [],
  };
}

function levelsOf(at: Place): readonly ClaimLevel['level'][] {
  if (at.kind === 'end') return ['end'];
  return at.kind === 'trend' ? [[0, 6]] : (at.levels ?? []);
}

function claimLevel(claim: Claim, runs: readonly FrameRun[], level: ClaimLevel['level']): ClaimLevel {
  const blocks = Array.from({ length: BLOCKS }, (_, block) => block);
  const own = blocks.map((block) => valueOf(runs, claim.arm, block, 'aligned', level));
  const other = blocks.map((block) => otherOf(runs, claim, block, level));
  const contrasts = blocks.map((block) => ({ block, contrast: (own[block] ?? 0) - (other[block] ?? 0) }));
  const estimate = estimateOf(contrasts.map(({ contrast }) => contrast));
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [ci95, ci90] = estimate === undefined ? [null, null] : [intervalOf(estimate, 0.95), intervalOf(estimate, 0.9)];
  const verdict: ClaimVerdict = ci95 === null || ci90 === null ? 'undecided' : verdictOf(ci95, ci90);
  return {
    level,
    verdict,
    units: BLOCKS,
    armMean: mean(own),
    otherMean: mean(other),
    estimate: estimate?.mean ?? null,
    ci95,
    ci90,
    p: 0.01,
    contrasts,
    ...(verdict === 'undecided' && { whyKind: 'tooFewBlocks', why: 'neither a difference nor its absence is known' }),
  };
}

function verdictOf([low, high]: readonly [number, number], [low90, high90]: readonly [number, number]): ClaimVerdict {
  if ((low > 0 || high < 0) && Math.abs(low + high) / 2 >= DELTA) return 'differs';
  return low90 > -DELTA && high90 < DELTA ? 'agrees' : 'undecided';
}

const AXES: Readonly<Record<string, readonly (number | string)[]>> = {
  exponent: [0.6, 0.8, 1, 1.2, 1.4, 1.6, 1.8, 2],
  rotation: [0, 15, 30, 45, 60, 90],
  width: [8, 16, 32, 64, 128, 256],
  pairs: [16, 32, 64, 128, 256],
  encoder: ['convolutional network', 'vision transformer', 'linear'],
  tokens: ['words', 'characters'],
};

function mapRecord({ name, label, x, y, outcome, theory }: StudyMap): MapRecord {
  const [xs, ys] = [AXES[x] ?? [], AXES[y] ?? []];
  const cells = ys.flatMap((atY, row) =>
    xs.flatMap((atX, column): MapRecord['cells'] => {
      const [u, v] = [column / (xs.length - 1), row / (ys.length - 1)];
      const noise = 0.02 * rngOf(column, `${name}/${row}`).normal();
      const value = theory === undefined ? 0.4 * (u - 0.55) * (1 - v) : 1 / (1 + Math.exp(-6 * (u - v)));
      if (theory === undefined && row === 5 && column === 7) return [];
      const mean = theory === undefined && row === 2 && column === 1 ? null : value + noise;
      const ci95 = mean === null ? null : ([mean - 0.03, mean + 0.03] as const);
      return [{ x: atX, y: atY, units: BLOCKS, mean, ci95, theory: theory === undefined ? null : value }];
    }),
  );
  return {
    name,
    label,
    x: { factor: x, values: xs },
    y: { factor: y, values: ys },
    outcome,
    place: 'at the end',
    cells,
  };
}
