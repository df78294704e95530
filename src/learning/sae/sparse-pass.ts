/**
 * Loss and gradients of a top-k autoencoder that touch only the features which fire: the dense product y wEnc^T and the choice
 * of codes are one program over some rows at a time; decoding and every gradient are kernels over k codes a row, a k/F-th of
 * the dense work. Sums run over rows in order, so the bits do not depend on threads.
 * Invariant: same loss and gradients as the graph (`sae-loss.ts`) up to the order of sums; the tests hold both to one reference.
 */
import { AssayError } from '#base/errors.ts';
import { greater, where } from '#engine/ops/comparison.ts';
import { relu } from '#engine/ops/elementwise.ts';
import { topK } from '#engine/ops/indexing.ts';
import { input } from '#engine/ops/sources.ts';
import type { Arena, Region } from '#engine/kernels/arena.ts';
import { compile, type Program } from '#engine/session.ts';
import type { Tensor } from '#engine/tensor.ts';
import type { Feeds } from '#learning/feeds.ts';
import { createPassLearner, type Learner, type Pass } from '#learning/learner.ts';
import type { OptimizerConfig } from '#learning/optim/optimizer-config.ts';
import type { Parameter } from '#learning/optim/parameter.ts';
import type { Memory } from '#learning/weights.ts';

import type { WholeSaeConfig } from './sae-config.ts';
import { type ParameterOf, preCodes } from './sae-graph.ts';
import { DEAD_INPUT, DEAD_WEIGHT_INPUT, FIRED, NEVER, ROW_ERRORS } from './sae-loss.ts';
import { saeFixed, saeParameters } from './sae-parameters.ts';

/** Rows whose `hiddenPre` is held at a time. */
const ROWS_AT_A_TIME = 512;

/** Whether a config's codes are so few, and chosen so, that this pass can train it. */
export function isSparse({ activation, encoder, decoder, prefixes }: WholeSaeConfig): boolean {
  return activation.kind === 'topK' && encoder.kind === 'untied' && decoder.kind === 'free' && prefixes === undefined;
}

export interface SaeSetup {
  readonly config: WholeSaeConfig;
  readonly parameter: ParameterOf;
  readonly optimizer: OptimizerConfig;
  readonly batchRows: number;
  readonly threads: number;
}

/** A learner over the sparse pass. @throws AssayError as `createLearner`. */
export async function createSparseLearner(setup: SaeSetup): Promise<Learner> {
  const { config, optimizer, threads } = setup;
  const sizes = sizesOf(setup);
  const scratch = [...codeLengths(sizes, sizes.k), ...codeLengths(sizes, sizes.kDead), ...sharedLengths(sizes)];
  return createPassLearner(
    { parameters: saeParameters(config), fixed: saeFixed(config), optimizer, threads },
    scratch,
    async (parameters, arena) => {
      const chooser = await compileChooser(setup, sizes, false);
      const deadChooser = sizes.kDead === 0 ? undefined : await compileChooser(setup, sizes, true);
      return sparsePass(config, sizes, parameters, arena, { chooser, deadChooser });
    },
  );
}

interface Sizes {
  readonly batchRows: number;
  /** Rows at a time. */
  readonly rows: number;
  readonly width: number;
  readonly features: number;
  readonly k: number;
  /** Codes a row among dead features; 0 without an auxiliary loss. */
  readonly kDead: number;
}

function sizesOf({ config, batchRows }: SaeSetup): Sizes {
  const { activation, deadFeatures, dIn, dSae } = config;
  return {
    batchRows,
    rows: Math.min(batchRows, ROWS_AT_A_TIME),
    width: dIn,
    features: dSae,
    k: activation.kind === 'topK' ? activation.k : 0,
    kDead: deadFeatures?.kind === 'auxiliary' ? deadFeatures.k : 0,
  };
}

interface Choosers {
  /** Input x [rows, D]; outputs values and indices [rows, k]. */
  readonly chooser: Program;
  /** The same with the dead features' too, [rows, kDead]. */
  readonly deadChooser: Program | undefined;
}

async function compileChooser(
  { config, parameter, threads }: SaeSetup,
  { rows, width, features, k, kDead }: Sizes,
  withDead: boolean,
): Promise<Program> {
  const hiddenPre = preCodes(config, parameter, input('x', [rows, width]));
  const { values, indices } = topK(hiddenPre, k);
  const outputs: Record<string, Tensor> = { values: relu(values), indices };
  if (withDead) {
    const dead = topK(where(input(DEAD_INPUT, [features]), hiddenPre, NEVER), kDead);
    outputs['dead values'] = where(greater(dead.values, NEVER), dead.values, 0);
    outputs['dead indices'] = dead.indices;
  }
  return compile(outputs, { threads });
}

/** Codes of some rows, and what they leave of their target. */
interface Codes {
  readonly k: number;
  readonly values: Region;
  readonly indices: Region;
  /** What is decoded, less the target; shape [rows, D]. */
  readonly left: Region;
}

function codeLengths({ rows, width }: Sizes, k: number): readonly number[] {
  return k === 0 ? [] : [rows * k, rows * k, rows * width];
}

function placeCodes(arena: Arena, { rows, width }: Sizes, k: number, name: string): Codes | undefined {
  if (k === 0) return undefined;
  return {
    k,
    values: arena.float32(`${name} codes`, rows * k),
    indices: arena.float32(`${name} indices`, rows * k),
    left: arena.float32(`what ${name} codes leave`, rows * width),
  };
}

/** x and y, [rows, D] each; the encoder's gradient to bDec [D], and scratch of its product. */
function sharedLengths({ rows, width, features }: Sizes): readonly number[] {
  return [rows * width, rows * width, width, 8 * features + 32];
}

/** What the kernels work on. */
interface Ground {
  readonly config: WholeSaeConfig;
  readonly sizes: Sizes;
  readonly arena: Arena;
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly x: Region;
  readonly centred: Region;
  readonly alive: Codes;
  readonly dead: Codes | undefined;
}

function sparsePass(
  config: WholeSaeConfig,
  sizes: Sizes,
  placed: readonly Parameter[],
  arena: Arena,
  { chooser, deadChooser }: Choosers,
): Pass {
  const parameters = new Map(placed.map((one) => [one.handle.name, one]));
  const alive = placeCodes(arena, sizes, sizes.k, 'the');
  const dead = placeCodes(arena, sizes, sizes.kDead, 'dead');
  if (alive === undefined) throw new Error('expected codes');
  const [x, centred] = [arena.float32('rows', sizes.rows * sizes.width), arena.float32('y', sizes.rows * sizes.width)];
  const ground: Ground = { config, sizes, arena, parameters, x, centred, alive, dead };
  const biasProduct = [arena.float32('bias', sizes.width), arena.float32('panel', 8 * sizes.features + 32)] as const;
  for (const program of [chooser, ...(deadChooser === undefined ? [] : [deadChooser])]) bindCodes(program, ground);
  const observed: Readonly<Record<string, Float32Array>> = {
    [FIRED]: new Float32Array(sizes.features),
    [ROW_ERRORS]: new Float32Array(sizes.batchRows),
  };
  const terms: Record<string, number> = {};
  return {
    programs: deadChooser === undefined ? [chooser] : [chooser, deadChooser],
    terms: () => terms,
    observed: (name) => observed[name] ?? new Float32Array(),
    async run(feeds, memory) {
      const { rows, deadMask, deadWeight } = fedOf(feeds, sizes);
      const program = deadWeight > 0 && deadChooser !== undefined ? deadChooser : chooser;
      if (program === deadChooser) program.float32(DEAD_INPUT).set(deadMask);
      for (const { gradient } of placed) gradient.fill(0);
      for (const values of Object.values(observed)) values.fill(0);
      const sums = { mse: 0, auxiliary: 0 };
      for (let from = 0; from < sizes.batchRows; from += sizes.rows) {
        const count = Math.min(sizes.rows, sizes.batchRows - from);
        placeRows(ground, rows.subarray(from * sizes.width, (from + count) * sizes.width), memory);
        await program.run();
        sums.mse += aliveGradients(ground, count, observed[ROW_ERRORS]?.subarray(from, from + count));
        countFired(observed[FIRED], alive, count);
        if (program === deadChooser) sums.auxiliary += deadGradients(ground, count, deadWeight);
      }
      encoderBias(ground, biasProduct);
      terms['mse'] = sums.mse / sizes.batchRows;
      if (sizes.kDead > 0) terms['auxiliary'] = sums.auxiliary / sizes.batchRows;
      return terms['mse'] + (sizes.kDead > 0 ? deadWeight * (terms['auxiliary'] ?? 0) : 0);
    },
  };
}

function bindCodes(program: Program, { arena, x, alive, dead }: Ground): void {
  const integers = ({ offset, view }: Region): Int32Array => new Int32Array(arena.buffer, offset, view.length);
  program.bind('x', x.view);
  program.bind('values', alive.values.view);
  program.bind('indices', integers(alive.indices));
  if (dead === undefined) return;
  program.bindIfKnown('dead values', dead.values.view);
  program.bindIfKnown('dead indices', integers(dead.indices));
}

interface Fed {
  readonly rows: Float32Array;
  readonly deadMask: Float32Array;
  readonly deadWeight: number;
}

function fedOf({ x, ...feeds }: Feeds, { batchRows, width }: Sizes): Fed {
  const [deadMask, deadWeight] = [feeds[DEAD_INPUT], feeds[DEAD_WEIGHT_INPUT]];
  if (!(x instanceof Float32Array) || x.length !== batchRows * width) {
    const found = typeof x === 'number' ? 'a number' : `${x?.length ?? 'no'} values`;
    throw new AssayError(
      'data',
      `Sparse autoencoder: expected rows of shape [${batchRows}, ${width}], found ${found}.`,
    );
  }
  return {
    rows: x,
    deadMask: deadMask instanceof Float32Array ? deadMask : new Float32Array(),
    deadWeight: typeof deadWeight === 'number' ? deadWeight : 0,
  };
}

/** Copies rows in, as they are and centred. */
function placeRows({ x, centred, config, sizes }: Ground, rows: Float32Array, memory: Memory): void {
  x.view.set(rows);
  centred.view.set(rows);
  const bias = memory.get('bDec');
  if (config.centre === 'none' || bias === undefined) return;
  for (let start = 0; start < rows.length; start += sizes.width) {
    for (let i = 0; i < sizes.width; i++) centred.view[start + i] = (rows[start + i] ?? 0) - (bias[i] ?? 0);
  }
}

/** Decodes, and adds the gradients of the mean squared error. @returns the sum of the rows' squared errors. */
function aliveGradients(ground: Ground, count: number, errors: Float32Array = new Float32Array()): number {
  const { arena, parameters, alive, centred, sizes } = ground;
  const bias = parameters.get('bDec')?.handle;
  // What is decoded without bDec, less y, is what is decoded with it, less x: one form for every kind of centring.
  decode(ground, alive, count, centred.offset);
  gradients(ground, alive, count, bias?.gradientOffset ?? 0, 2 / sizes.batchRows);
  let total = 0;
  for (let row = 0; row < count; row++) {
    const error = arena.kernels.sumOfSquares(alive.left.offset + 4 * row * sizes.width, sizes.width);
    errors[row] = error;
    total += error;
  }
  return total;
}

/** The auxiliary loss: codes of dead features against what the others left. @returns the sum of squared errors. */
function deadGradients(ground: Ground, count: number, weight: number): number {
  const { arena, alive, dead, sizes } = ground;
  if (dead === undefined) return 0;
  // What is left is x less what is decoded: the negative of `left`.
  arena.kernels.scale(alive.left.offset, count * sizes.width, -1);
  decode(ground, dead, count, alive.left.offset);
  gradients(ground, dead, count, 0, (2 * weight) / sizes.batchRows);
  return arena.kernels.sumOfSquares(dead.left.offset, count * sizes.width);
}

function decode({ arena, parameters, sizes }: Ground, codes: Codes, count: number, target: number): void {
  const features = handleOf(parameters, 'wDec').offset;
  const { values, indices, left, k } = codes;
  arena.kernels.sparseDecode(values.offset, indices.offset, count, k, features, sizes.width, target, left.offset);
}

function gradients(ground: Ground, codes: Codes, count: number, biasGradient: number, scale: number): void {
  const { arena, parameters, sizes, centred } = ground;
  const [features, encoder] = [handleOf(parameters, 'wDec'), handleOf(parameters, 'wEnc')];
  arena.kernels.sparseGradients(
    codes.values.offset,
    codes.indices.offset,
    count,
    codes.k,
    features.offset,
    sizes.width,
    codes.left.offset,
    centred.offset,
    features.gradientOffset,
    encoder.gradientOffset,
    handleOf(parameters, 'bEnc').gradientOffset,
    biasGradient,
    scale,
  );
}

/** y = x - bDec: the gradient of bDec loses wEnc^T (gradient of bEnc). */
function encoderBias({ arena, parameters, sizes }: Ground, [product, panel]: readonly [Region, Region]): void {
  const bias = parameters.get('bDec')?.handle;
  if (bias === undefined) return;
  const [encoder, encoderGradient] = [handleOf(parameters, 'wEnc').offset, handleOf(parameters, 'bEnc').gradientOffset];
  const [row, column] = [4 * sizes.width, 4];
  const { features, width } = sizes;
  arena.kernels.matmul(
    1,
    width,
    features,
    encoderGradient,
    4 * features,
    4,
    encoder,
    row,
    column,
    product.offset,
    panel.offset,
    false,
  );
  arena.kernels.scaledAdd(bias.gradientOffset, product.offset, width, 1, -1);
}

function countFired(fired: Float32Array = new Float32Array(), { values, indices, k }: Codes, count: number): void {
  const integers = new Int32Array(indices.view.buffer, indices.view.byteOffset, indices.view.length);
  for (let i = 0; i < count * k; i++) {
    if ((values.view[i] ?? 0) > 0) fired[integers[i] ?? 0] = (fired[integers[i] ?? 0] ?? 0) + 1;
  }
}

function handleOf(parameters: Ground['parameters'], name: string): Parameter['handle'] {
  const handle = parameters.get(name)?.handle;
  if (handle === undefined) throw new Error(`no parameter "${name}"`);
  return handle;
}
