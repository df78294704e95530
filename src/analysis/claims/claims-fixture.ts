/** Hand-made runs and claims for tests: every number is written down, so that what is read where can be seen. */
import assert from 'node:assert/strict';

import { analyse, type AnalysedStudy } from '#analysis/analyse.ts';
import type { Frame, FrameRun } from '#analysis/frame.ts';
import type { Analysis } from '#analysis/records/analysis-record.ts';
import type { ClaimRecord } from '#analysis/records/claim-record.ts';
import type { Claim } from '#study/claim.ts';
import type { Outcome } from '#study/study.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';

export const BLOCKS = 8;
/** Symmetric scatter over eight blocks, mean 0, of about unit size. */
export const SCATTER = [1, -1, 0.5, -0.5, 0.8, -0.8, 0.3, -0.3];
export const BINDING: Outcome = {
  name: 'binding',
  label: 'Binding accuracy',
  unit: 'fraction',
  delta: 0.05,
  role: 'confirmatory',
  jumps: { kind: 'none', because: 'the numbers are made up' },
};
export const STUDY: AnalysedStudy = {
  scope: 'made-up towers',
  matchOn: [],
  outcomes: [BINDING],
  arms: [{ name: 'towers', label: 'Two towers' }],
  contrasts: [],
};
export const CHANCE = { kind: 'value', value: 0.5, label: 'chance' } as const;
export const QUESTION = { kind: 'question' } as const;
export const depths = (...levels: number[]): Claim['at'] => ({ kind: 'given', axis: 'depth', label: 'depth', levels });
export const ABOVE: Claim = {
  name: 'above chance',
  arm: 'towers',
  against: CHANCE,
  at: depths(0, 1, 2),
  asks: QUESTION,
};

export const at = (depth: number, outcomes: Record<string, number>): TrajectoryPoint => ({
  step: 1,
  axes: { depth },
  outcomes,
});
export const runOf = (
  arm: string,
  block: number,
  points: readonly TrajectoryPoint[],
  learningRate?: number,
): FrameRun => ({
  arm,
  block,
  status: 'finished',
  points,
  ...(learningRate !== undefined && { learningRate }),
});
/** One run a block of each arm, by the points it has. */
export const frameOf = (
  arms: Record<string, (scatter: number, block: number) => TrajectoryPoint[]>,
  blocks = BLOCKS,
): Frame => ({
  runs: Object.entries(arms).flatMap(([arm, points]) =>
    Array.from({ length: blocks }, (_, block) => runOf(arm, block, points(SCATTER[block % BLOCKS] ?? 0, block))),
  ),
});
export const towers = (scatter: number): TrajectoryPoint[] => [
  at(0, { binding: 0.5 }),
  at(1, { binding: 0.5 + 0.01 * scatter }),
  at(2, { binding: 0.7 + 0.01 * scatter }),
];
export const analysed = (claims: readonly Claim[], frame: Frame, study: Partial<AnalysedStudy> = {}): Analysis =>
  analyse({ ...STUDY, ...study, claims }, frame);
export const recordOf = (
  claim: Claim,
  frame: Frame,
  study: Partial<AnalysedStudy> = {},
  others: readonly Claim[] = [],
): ClaimRecord => analysed([claim, ...others], frame, study).claims?.[0] ?? assert.fail('no claim');
export const verdictsOf = (record: ClaimRecord): string[] => record.levels.map(({ verdict }) => verdict);

export const AGAINST_ARM: Claim = {
  ...ABOVE,
  name: 'against the base',
  against: { kind: 'arm', arm: 'base' },
  at: depths(0),
};
export const SEEN: Claim = {
  name: 'harm seen',
  arm: 'harmed',
  against: { kind: 'arm', arm: 'base' },
  at: depths(0),
  asks: { kind: 'control', expect: 'differs', direction: 'below' },
};
export const flat =
  (value: number, size: number) =>
  (scatter: number): TrajectoryPoint[] => [at(0, { binding: value + size * scatter })];
