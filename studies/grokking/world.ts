/**
 * Addition modulo p: all p^2 pairs, of which a random share is trained on and the rest is split at random into a held-out and
 * a third set, so that no training can tell those two apart. The model is an MLP that squares its hidden units, which has an
 * exact solution. @see Gromov 2023, arXiv:2301.02679
 */
import {
  argMax,
  constant,
  crossEntropy,
  feedLayers,
  gather,
  input,
  type ParameterSpec,
  type Rng,
  square,
  toFloat,
} from 'assay/learn';

/** Numbers of the pairs in each set: pair n is (floor(n / p), n mod p). */
export interface Split {
  readonly trained: Int32Array;
  readonly heldOut: Int32Array;
  readonly third: Int32Array;
}

/** How many pairs are in each set where a fraction is trained on. */
export function setSizes(modulus: number, fraction: number): Readonly<Record<keyof Split, number>> {
  const trained = Math.round(modulus ** 2 * fraction);
  const heldOut = Math.floor((modulus ** 2 - trained) / 2);
  return { trained, heldOut, third: modulus ** 2 - trained - heldOut };
}

/**
 * The sets of a block, a function of `rng` alone.
 * @param leaked The fraction of the third set that is trained on in place of as many trained pairs; a control's known cause.
 */
export function splitOf(modulus: number, fraction: number, leaked: number, rng: Rng): Split {
  const pairs = Int32Array.from(rng.permutation(modulus ** 2));
  const { trained, heldOut } = setSizes(modulus, fraction);
  const middle = trained + heldOut;
  const third = pairs.subarray(middle);
  const fromThird = third.subarray(0, Math.round(leaked * third.length));
  return {
    trained: Int32Array.from([...pairs.subarray(0, trained - fromThird.length), ...fromThird]),
    heldOut: pairs.subarray(trained, middle),
    third,
  };
}

/** The sums of pairs, the labels. */
export function sumsOf(modulus: number, pairs: Int32Array): Int32Array {
  return pairs.map((pair) => (Math.floor(pair / modulus) + (pair % modulus)) % modulus);
}

/** The MLP's weights: they start as layers usually do, with a variance of 1 / inputs. */
export function mlpWeights(modulus: number, width: number): readonly ParameterSpec[] {
  const of = (name: string, dOut: number, dIn: number): ParameterSpec => ({
    name: `${name}.weight`,
    shape: [dOut, dIn],
    role: 'matrix',
    initial: { kind: 'normal', std: dIn ** -0.5 },
  });
  return [of('in', width, 2 * modulus), of('out', modulus, width)];
}

/** Losses and predicted sums of `count` pairs, fed as `pairs` and `sums`. @returns both of shape [count]. */
export function mlpOutputs(modulus: number, weights: readonly ParameterSpec[], count: number) {
  const layers = feedLayers(weights);
  const x = gather(constant(oneHotPairs(modulus), [modulus ** 2, 2 * modulus]), input('pairs', [count], 'int32'));
  const logits = layers.linear('out', square(layers.linear('in', x)));
  return { losses: crossEntropy(logits, input('sums', [count], 'int32')), predicted: toFloat(argMax(logits)) };
}

/** Two ones a row, for the first and for the second number. */
function oneHotPairs(modulus: number): Float32Array {
  const rows = new Float32Array(modulus ** 2 * 2 * modulus);
  for (let pair = 0; pair < modulus ** 2; pair++) {
    rows[pair * 2 * modulus + Math.floor(pair / modulus)] = 1;
    rows[pair * 2 * modulus + modulus + (pair % modulus)] = 1;
  }
  return rows;
}
