/**
 * The port between the two halves: a recipe turns one resolved config and one block into a trajectory.
 * The runner knows only this interface; implementations live in `recipes/`, in study folders, or in a user's package.
 */
import type { ByteSource, Pieces } from '#base/bytes.ts';
import type { Chat } from '#base/chat.ts';
import type { JsonObject } from '#base/json.ts';
import type { FormerPaths } from '#study/settings.ts';
import type { RunEnd, TrajectoryPoint } from '#study/trajectory.ts';

/** Everything a recipe may touch: no clock, no files, no environment. */
export interface RunContext {
  /** Defaults with the arm's, the study's and the user's settings applied; checked by `recipe.check`. */
  readonly config: JsonObject;
  /** The block: one seed shared by all arms. */
  readonly block: number;
  /** The bytes given to the last durable `checkpoint`, absent on a fresh start. */
  readonly resumeFrom: Uint8Array | undefined;
  /** The bytes of `resumeFrom`, read part by part: for states too large to be held beside what they are restored to; absent where a host has the bytes alone. */
  readonly resumeSource?: ByteSource | undefined;
  /** Adds a point to the trajectory; it becomes durable with the next `checkpoint` or with the run's end mark. */
  record(point: TrajectoryPoint): void;
  /**
   * Makes `state` and all points recorded so far durable in one transaction. Cheap to skip: the runner decides how often.
   * A large state is given in pieces where they lie; they are written before anything else happens.
   */
  checkpoint(state: () => Uint8Array | Pieces): Promise<void>;
  /** Tells the display how far the run is, in [0, 1]. */
  progress(doneFraction: number): void;
  /**
   * A content-addressed step shared between runs, such as a base model: computed once a store, by one process,
   * and read by all others. `key` is hashed into its identity together with `name`.
   */
  shared(name: string, key: JsonObject, compute: () => Promise<Uint8Array>): Promise<Uint8Array>;
  /** Asks a language model elsewhere; absent where the host has no network to offer. */
  readonly chat?: Chat;
  /** Tells the user something that is no error, such as what a judge has cost. */
  note?(text: string): void;
  /** Keeps text for people to read beside the run's records; the same name again replaces it. */
  keep?(name: string, text: string): void;
  /**
   * A shared step whose result is a file that is read, or mapped, in place, such as weights; absent where a run has no
   * store. `write` makes the file at the path it is given. Resolves with the file's path, its content verified.
   */
  sharedFile?(name: string, key: JsonObject, write: (path: string) => Promise<void>): Promise<string>;
  /** Aborted when the user stops the study; the recipe should throw `signal.reason` at the next step. */
  readonly signal: AbortSignal;
}

/** What is in a file, in numbers with a name each, such as `tokens`. */
export interface FileSummary {
  /** As the config names it. */
  readonly file: string;
  readonly counts: Readonly<Record<string, number>>;
  /** What should be known beside the counts, a sentence each. */
  readonly notes?: readonly string[];
}

/** Names of what the runs of a config record. */
export interface Gives {
  readonly axes: readonly string[];
  /** Coherence and predictions included; absent where only the run's files say them. */
  readonly outcomes?: readonly string[];
}

/** So many blocks there are, and what each is of, such as "situation". */
export interface BlockLimit {
  readonly most: number;
  readonly what: string;
  /** How there would be more, as a sentence; absent where there cannot be. */
  readonly remedy?: string;
}

/** One way of making a run, with the version of its semantics: a fix that changes numbers raises it. */
export interface Recipe {
  readonly name: string;
  readonly semanticsVersion: number;
  /** The whole config with its defaults: it also defines which dotted paths `--set` knows. */
  readonly defaults: JsonObject;
  /** Paths that once had other names: former name -> today's, for messages to whoever still gives one. */
  readonly formerPaths?: FormerPaths;
  /** Where the learning rate stands in the config, as a dotted path; absent where nothing is trained at a rate. */
  readonly learningRatePath?: string;
  /** Dotted paths of config parts that only change what is measured, not what is trained. */
  readonly measurePaths: readonly string[];
  /**
   * Where the config holds the levels at which outcomes are measured, by axis, such as `measure.levels`: the levels of a
   * study's axes are put there, so that they are written once.
   */
  readonly levelsPath?: string;
  /**
   * Where a run ends before its steps are done: once an axis is past the value at a config path. `multiples` are axes that
   * are that axis times a constant of the run.
   */
  readonly stopRule?: { readonly axis: string; readonly path: string; readonly multiples?: readonly string[] };
  /** @throws AssayError naming the path, what was expected and what was found. */
  check(config: JsonObject): void;
  /**
   * How many blocks a config has, where blocks are no fresh draws but shares of a set, or situations that were written down: one that is
   * read twice would pass for a new one, so a plan of more is refused before any run. Called after `check`; absent where there is no end of them.
   */
  blocks?(config: JsonObject): BlockLimit;
  /**
   * The axes and outcomes that runs of a config record: a study that names others is refused before any run. It reads no
   * file, and takes configs that `check` refuses. Where it is absent, names are found wrong only by what runs lack.
   */
  gives?(config: JsonObject): Gives;
  /** Content hashes of the inputs a config names (files, assets), part of the run's identity. */
  inputs?(config: JsonObject): Readonly<Record<string, string>>;
  /** Hashes of what measures but stands in no file or config (a study's own functions), part of the measure's identity. */
  measuredBy?(config: JsonObject): Readonly<Record<string, string>>;
  /** Looks whether what a run needs from elsewhere is there; called before any run. @throws AssayError where it is not. */
  ready?(config: JsonObject, chat: Chat): Promise<void>;
  /** What is in the files a config names, for the user to check before any run. @throws AssayError where one cannot be used. */
  files?(config: JsonObject): Promise<readonly FileSummary[]>;
  run(context: RunContext): Promise<RunEnd>;
}
