/**
 * What reads a model under the weights of the moment: scorers of labels, and generators of text.
 * Invariant: programs are handed to the learner that owns the weights, which binds them and releases the programs.
 */
import type { FrozenInputs, Program } from '#engine/session.ts';
import { type Generator, generatorOf, type GeneratorSetup } from '#learning/generation/generator.ts';
import { compileDecode, compilePrefill, promptsAtOnce } from '#learning/generation/programs.ts';
import type { TrainedModel } from '#learning/method.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { treeFeeds } from '#learning/models/trees.ts';
import {
  type BatchLayout,
  type BranchedShape,
  compileBranchedScorer,
  compileScorer,
  labelSet,
} from '#learning/programs.ts';

/** Ways to read a model. */
export interface Readers {
  /** Compiles a program that scores positions under the weights of the moment. */
  scorer(layout: BatchLayout, labelSets?: number): Promise<Scorer>;
  /** Compiles a program that scores answers which share their question. */
  branchedScorer(shape: BranchedShape): Promise<BranchedScorer>;
  /** Generates text under the weights of the moment; its programs are compiled when first needed. */
  generator(setup: GeneratorSetup): Generator;
}

/** Scores labels without training. */
export interface Scorer {
  /**
   * -log p(label) of each labelled position, in nats, for each set of labels; the memory is reused by the next call.
   * @param labelSets As many as the scorer was made for, shape [M] each.
   */
  losses(tokens: Int32Array, ...labelSets: readonly Int32Array[]): Promise<readonly Float32Array[]>;
}

/** One row of questions with their answers; T tokens, M labels, as many as its scorer was made for. */
export interface BranchedRow {
  /** Token ids, and the place of each in its question with one answer, shape [T]. */
  readonly tokens: Int32Array;
  readonly positions: Int32Array;
  /** What a token belongs to and what else it sees, shape [T]. */
  readonly segments: Int32Array;
  readonly parents: Int32Array;
  readonly roots: Int32Array;
  /** The positions of the row that predict, and the tokens to predict, shape [M]. */
  readonly labelled: Int32Array;
  readonly labels: Int32Array;
}

/** Scores answers that share their question. */
export interface BranchedScorer {
  /** -log p of each label, in nats; the memory is reused by the next call. */
  losses(row: BranchedRow): Promise<Float32Array>;
}

/** The model that is read, and how its programs are compiled. */
export interface ReaderSetup {
  readonly config: TransformerConfig;
  readonly model: TrainedModel;
  readonly frozen: FrozenInputs | undefined;
  readonly threads: number;
}

/** The readers of a model. @param attach Takes over each program, see `Learner`. */
export function readersOf(
  { config, model, frozen, threads }: ReaderSetup,
  attach: (program: Program) => Program,
): Readers {
  return {
    async scorer(asked, labelSets = 1) {
      // Whoever looks at the stream is shown every place of it.
      const layout = model.layers.wholeStream === true ? { ...asked, trees: undefined } : asked;
      return scorerOf(attach(await compileScorer(config, model, layout, threads, labelSets, frozen)), layout);
    },
    branchedScorer: async (shape) =>
      branchedScorerOf(attach(await compileBranchedScorer(config, model, shape, threads, frozen))),
    generator: (setup) =>
      generatorOf(config, setup, {
        promptsAtOnce: (length) => promptsAtOnce(config, model, length, threads),
        prefill: async (rows, length) => attach(await compilePrefill(config, model, rows, length, threads, frozen)),
        decode: async (rows, capacity) => attach(await compileDecode(config, model, rows, capacity, threads, frozen)),
      }),
  };
}

function scorerOf(program: Program, layout: BatchLayout): Scorer {
  const feedTokens = tokensFeeder(program, layout);
  return {
    async losses(tokens, ...labelSets) {
      feedTokens(tokens);
      labelSets.forEach((labels, i) => program.int32(labelSet(i).labels).set(labels));
      await program.run();
      return labelSets.map((_, i) => program.float32(labelSet(i).losses));
    },
  };
}

/** Feeds a scorer's tokens; as trees, which are found again only when the tokens change. */
function tokensFeeder(program: Program, layout: BatchLayout): (tokens: Int32Array) => void {
  const { trees } = layout;
  if (trees === undefined) return (tokens) => program.int32('tokens').set(tokens);
  let fed: Int32Array | undefined;
  return (tokens) => {
    if (fed?.length === tokens.length && fed.every((token, place) => token === tokens[place])) return;
    const { unseen, ...whole } = treeFeeds(tokens, { ...layout, trees });
    program.float32('unseen').set(unseen);
    for (const [name, values] of Object.entries(whole)) if (program.has(name)) program.int32(name).set(values);
    fed = tokens.slice();
  };
}

function branchedScorerOf(program: Program): BranchedScorer {
  return {
    async losses({ tokens, positions, segments, parents, roots, labelled, labels }) {
      program.int32('tokens').set(tokens);
      program.int32('positions').set(positions);
      program.float32('segments').set(segments);
      program.float32('parents').set(parents);
      program.float32('roots').set(roots);
      program.int32('labelled').set(labelled);
      program.int32('labels').set(labels);
      await program.run();
      return program.float32('losses');
    },
  };
}
