/**
 * Is there a linear map that binds the features of a dictionary in pairs? The number of pairs that the map predicts without having seen
 * them is compared with the same number in permuted dictionaries (`permuted.ts`), each searched as hard as the one in question.
 * @see Besag & Clifford 1991, doi:10.1093/biomet/78.2.301 (drawing until enough draws are as large).
 */
import { AssayError } from '#base/errors.ts';
import type { Rng } from '#base/rng.ts';
import { checkWhole } from '#base/whole-number.ts';
import type { DenseMatrix } from '#learning/spectra/matrix.ts';

import { rowsOf, unitFeatures } from './feature-rows.ts';
import { type MatchOptions, matchPairs, type PairMatch } from './match-pairs.ts';
import { permutedFeatures } from './permuted.ts';

export interface BindingTestOptions extends MatchOptions {
  /** Permuted dictionaries, at most; default 39. */
  readonly draws?: number;
  /** The largest p at which a dictionary counts as bound; default .025: above all of 39 (ADR 0176). */
  readonly alpha?: number;
  /** Draws them all even where the answer is no already, for a picture of the null. */
  readonly drawsAll?: boolean;
}

/** What was found, against what is found without binding. */
export interface BindingTest {
  readonly match: PairMatch;
  /** Predicted pairs of every permuted dictionary drawn. */
  readonly nulls: readonly number[];
  /** (1 + draws with as many pairs) / (1 + draws); where drawing ended early, the share of draws with as many. */
  readonly p: number;
  readonly isBound: boolean;
}

/**
 * The test. Without binding `isBound` comes out with probability alpha at most, as far as features are exchangeable with permuted ones.
 * @throws AssayError (config) where so few draws can never reach alpha; (data) as `matchPairs`.
 */
export function bindingTest(dictionary: DenseMatrix, rng: Rng, options: BindingTestOptions = {}): BindingTest {
  const { draws = 39, alpha = 0.025, drawsAll = false } = options;
  checkWhole('bindingTest, draws', draws);
  if (!(alpha > 0 && alpha < 1)) {
    throw new AssayError('config', `bindingTest, alpha: expected a number between 0 and 1, found ${alpha}.`);
  }
  // So many draws as large as what was found leave p above alpha whatever else is drawn.
  const enough = Math.floor(alpha * (draws + 1) + 1e-9);
  if (enough < 1) {
    throw new AssayError(
      'config',
      `bindingTest: ${draws} draws never reach p <= ${alpha}. Expected ${Math.ceil(1 / alpha) - 1} or more.`,
    );
  }
  const match = matchPairs(dictionary, options);
  const permuted = permutedMatches(dictionary, match, rng, options);
  const nulls: number[] = [];
  let asLarge = 0;
  for (let draw = 0; draw < draws; draw++) {
    if (asLarge >= enough && !drawsAll) break;
    const found = match.predicted === 0 && !drawsAll ? 0 : permuted(draw);
    nulls.push(found);
    if (found >= match.predicted) asLarge++;
  }
  const p = nulls.length < draws ? asLarge / nulls.length : (1 + asLarge) / (1 + draws);
  return { match, nulls, p, isBound: p <= alpha };
}

/** Draws and matches permuted dictionaries. Duplicates are left out of them, as they are of the match. */
function permutedMatches(
  dictionary: DenseMatrix,
  { duplicates }: PairMatch,
  rng: Rng,
  { sources, targets }: MatchOptions,
): (draw: number) => number {
  const isDuplicate = new Set(duplicates);
  const kept = Array.from({ length: dictionary.rows }, (_, i) => i).filter((i) => !isDuplicate.has(i));
  const features = unitFeatures(rowsOf(dictionary, kept));
  const newIndex = new Map(kept.map((old, i) => [old, i]));
  const among = (chosen: readonly number[]): readonly number[] => chosen.flatMap((i) => newIndex.get(i) ?? []);
  const options = { ...(sources && { sources: among(sources) }), ...(targets && { targets: among(targets) }) };
  return (draw) => matchPairs(permutedFeatures(features, rng.split(`permuted ${draw}`)), options).predicted;
}
