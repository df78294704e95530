/** All a report is made from, as plain data: the study as asked, its runs, its analysis, and the account of how it was made. */
import type { Analysis } from '#analysis/records/analysis-record.ts';
import type { Frame } from '#analysis/frame.ts';
import type { Episode } from '#study/episode.ts';
import type { Arm, PilotRule, Study } from '#study/study.ts';

/** The parts of a study a report speaks of; a study of runs trained elsewhere has no more. */
export type ReportedStudy = Pick<
  Study,
  'name' | 'question' | 'scope' | 'matchOn' | 'outcomes' | 'coherence' | 'claims' | 'maps'
> & {
  readonly arms: readonly Pick<Arm, 'name' | 'label'>[];
};

/** A name and its value, for provenance and for what was held equal. */
export interface Fact {
  readonly name: string;
  readonly value: string;
}

/** A run that did not end well. */
export interface TroubledRun {
  readonly kind: 'diverged' | 'failed' | 'unfinished';
  readonly phase: 'pilot' | 'confirmatory';
  readonly arm: string;
  readonly block: number;
  readonly learningRate?: number;
  readonly reason: string;
}

/** What the pilot found for one learning rate of one arm. */
export interface PilotRate {
  readonly arm: string;
  readonly learningRate: number;
  /** Best value of the pilot's axis, mean over pilot blocks, in the axis' unit; absent where a pilot run broke or is missing. */
  readonly best?: number;
  /** Where every pilot got to the value of that axis at which runs end: the steps it needed, mean over pilot blocks. */
  readonly steps?: number;
  readonly isAdmissible: boolean;
}

/** How learning rates were chosen. */
export interface Pilot {
  readonly rule: PilotRule;
  readonly rates: readonly PilotRate[];
}

/** A question of an evaluation and what runs replied to it. */
export interface AskedQuestion {
  readonly evaluation: string;
  readonly question: string;
  readonly replies: readonly {
    readonly arm: string;
    readonly block: number;
    readonly learningRate?: number;
    readonly step: number;
    readonly text: string;
    /** What the reply scored, and why a score is missing: `correct 1`. */
    readonly scores: string;
  }[];
}

/** Rows that runs were trained on, as they met them: pieces of text, with what was learned of each. */
export interface GivenRows {
  readonly arms: readonly string[];
  readonly rows: readonly (readonly { readonly text: string; readonly isLearned: boolean }[])[];
}

/** What one run of an arm lived through. */
export interface LivedEpisodes {
  readonly arm: string;
  readonly block: number;
  readonly learningRate?: number;
  readonly episodes: readonly Episode[];
}

/** A table that a run kept for people to look at, such as a dictionary's features with examples. */
export interface KeptTable {
  readonly arm: string;
  readonly block: number;
  readonly title: string;
  readonly columns: readonly string[];
  /** As many cells a row as there are columns. */
  readonly rows: readonly (readonly string[])[];
}

/** Pictures with captions that differ in which thing is which, as one arm scored them at its end. */
export interface ShownPairs {
  readonly arm: string;
  readonly pairs: readonly ScenePair[];
}

/** Two pictures and two captions: caption i is true of picture i. */
export interface ScenePair {
  /** PNG files in base64. */
  readonly pictures: readonly [string, string];
  readonly captions: readonly [string, string];
  /** Of picture i (row) with caption j. */
  readonly cosines: readonly [readonly [number, number], readonly [number, number]];
}

/** Everything `renderReport` needs. */
export interface ReportInput {
  readonly study: ReportedStudy;
  /** Absent for runs trained elsewhere. */
  readonly profile?: string;
  /** The confirmatory runs. */
  readonly frame: Frame;
  readonly analysis: Analysis;
  /** Pilot and confirmatory runs that did not end well, with why. */
  readonly troubledRuns: readonly TroubledRun[];
  /** What was held equal between arms, beside matching: `{ name: 'Training data', value: 'persona, 512 chats' }`. */
  readonly heldEqual: readonly Fact[];
  /** Code version, numericsId, study hash. */
  readonly provenance: readonly Fact[];
  /** What is questionable about the data or was chosen for the reader, one sentence each; said beside the answer. */
  readonly doubts?: readonly string[];
  /** Some questions with replies, one run an arm; absent where no run generated any. */
  readonly replies?: readonly AskedQuestion[];
  /** The first training rows; absent where no run kept them. */
  readonly given?: readonly GivenRows[];
  /** Tables of one run an arm; absent where no run kept any. */
  readonly tables?: readonly KeptTable[];
  /** A few episodes, one run an arm; absent where no run kept any. */
  readonly episodes?: readonly LivedEpisodes[];
  /** Pictures with captions and scores, of one run an arm. */
  readonly pairs?: readonly ShownPairs[];
  /** The exact command that makes the runs and the report again. */
  readonly command: string;
  /** Absent where no learning rate was piloted. */
  readonly pilot?: Pilot;
}

/** A file that stands beside the report: the data of a figure, or a table of the answer. */
export interface ReportFile {
  readonly name: string;
  readonly content: string | Uint8Array;
}
