/** What a store keeps, as plain data. */
import { contentHash, type JsonObject } from '#base/json.ts';
import type { Admissible } from '#study/admissible.ts';
import { descriptionOf, type Design, type Phase, type RunSpec, type StudyPlan } from '#study/plan.ts';
import type { Setting } from '#study/settings.ts';
import type { RunEnd } from '#study/trajectory.ts';

/** What may change the bits of a result: recorded with every run. */
export interface Provenance {
  readonly assay: string;
  /** The source's commit, where it runs from a checkout; not part of `numericsId`. */
  readonly commit?: string;
  /** The hash of the study's own code, where it has any; not part of `numericsId`. */
  readonly source?: string;
  readonly onnxruntime: string;
  readonly node: string;
  readonly os: string;
  readonly arch: string;
  /** Vector instruction sets of the CPU, such as `avx2 avx512f`. */
  readonly instructionSets: string;
}

/** Bits are promised within one of these: the hash of a provenance without its commit and source. */
export function numericsIdOf(provenance: Provenance): string {
  const { commit: _, source: __, ...numerics } = provenance;
  return contentHash(numerics).slice(0, 16);
}

/** Where a run stands. Only an end mark makes it done; `failed` runs are tried again by the next `run`. */
export type RunState = { readonly kind: 'open' } | RunEnd | { readonly kind: 'failed'; readonly message: string };

/** What a run is, fixed when it is opened. */
export interface RunHead {
  readonly measureId: string;
  readonly trainId: string;
  readonly recipe: string;
  readonly semanticsVersion: number;
  readonly seed: number;
  /** The whole resolved config. */
  readonly config: JsonObject;
  readonly inputs: Readonly<Record<string, string>>;
}

/** A stored run without its points. */
export interface RunRecord extends RunHead {
  readonly state: RunState;
  /** sha256 of the state to resume from, absent before the first checkpoint and after the end. */
  readonly checkpoint?: string;
  /** Every provenance the run's steps were made under; more than one only where mixing was asked for. */
  readonly provenance: readonly Provenance[];
}

/** A run as a store keeps it, with what ties its points to it. */
export interface StoredRun extends RunRecord {
  /** How many segments of points were appended. */
  readonly segments: number;
  /** Hash chain over the segments. */
  readonly pointsHash: string;
}

/** A run's place in a plan. */
export interface PlanMember {
  readonly measureId: string;
  readonly phase: Phase;
  readonly arm: string;
  /** Absent where the arm has none to choose. */
  readonly learningRate?: number;
  readonly block: number;
}

/** The place a spec has in its plan. */
export function memberOf({ measureId, phase, arm, learningRate, block }: RunSpec): PlanMember {
  return { measureId, phase, arm, ...(learningRate !== undefined && { learningRate }), block };
}

/** A planned study: what was asked, fixed before its runs. */
export interface PlanRecord {
  readonly planId: string;
  readonly study: string;
  readonly profile: string;
  readonly blocks: number;
  readonly design: Design;
  /** The user's settings. */
  readonly settings: readonly Setting[];
  /** The study, profile and settings as data; `planId` is its hash. */
  readonly description: JsonObject;
}

/** A plan as it is stored. */
export function planRecordOf(plan: StudyPlan): PlanRecord {
  const { planId, study, profile, blocks, design, settings } = plan;
  return { planId, study: study.name, profile, blocks, design, settings, description: descriptionOf(plan) };
}

/** What the pilots decided for an arm. */
export interface SettledArm {
  readonly arm: string;
  readonly outcome: Admissible;
}

/** What somebody saw of a study's runs when its verdicts were worked out: a further look at more blocks spends more alpha. */
export interface Look {
  readonly planId: string;
  /** The confirmatory blocks whose runs were looked at, ascending. */
  readonly blocks: readonly number[];
  /** What was seen, in the analysis' own words: verdicts by contrast and outcome, for example. */
  readonly summary: JsonObject;
}

/** A look as a store keeps it. */
export interface LookRecord extends Look {
  readonly study: string;
  /** 1 for a study's first look; the order in which looks were recorded, whatever plan they were of. */
  readonly ordinal: number;
}
