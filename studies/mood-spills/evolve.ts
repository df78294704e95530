/**
 * Genes by evolution: each generation children are the parent and normal mutations, all live the same lives, and the parent of
 * the next generation is the mean of the best quarter. Mutations shrink over the generations, so that what is not selected settles.
 * Invariant: in a mirrored world at -rho, with a stake apart, mirrored mutations give the same genes with the opposite sign.
 * @see Beyer and Schwefel 2002, doi:10.1023/A:1015059928466: (mu/mu, lambda) with intermediate recombination.
 */
import type { Rng } from 'assay/learn';
import type { Being } from 'assay/studies/mood-and-planning/forager.ts';
import { drawLuck } from 'assay/studies/mood-and-planning/world.ts';

import {
  type Contested,
  contested,
  type Ecology,
  fieldOf,
  foughtOn,
  type Genes,
  isApart,
  type Scale,
  SENSES,
  type Sense,
} from './contests.ts';

export const NO_GENES: Genes = { base: 0, mood: 0, belief: 0, season: 0 };
const CHILDREN = 32;
const PARENTS = 8;
/** Standard deviation of mutations in the first and the last generation. */
const MUTATION = { first: 0.15, last: 0.02 };

export interface Evolution {
  readonly being: Being;
  readonly ecology: Ecology;
  readonly scale: Scale;
  /** Which couplings evolve, beside the base. */
  readonly senses: readonly Sense[];
  readonly generations: number;
  /** Lives of a child. */
  readonly lives: number;
  /** Everything the other way round: contests, fights, mutations. */
  readonly mirrored?: boolean;
}

/** The parent of every generation, the first without any coupling, the last after `generations`. */
export function* evolved(evolution: Evolution, rng: Rng): Generator<Genes> {
  const { being, ecology, scale, generations, mirrored = false } = evolution;
  const evolving = ['base', ...SENSES.filter((sense) => evolution.senses.includes(sense))] as const;
  let parent = NO_GENES;
  yield parent;
  for (let generation = 0; generation < generations; generation++) {
    const chance = rng.split(`generation ${generation}`);
    const words = drawLuck(chance.split('lives'), evolution.lives);
    const luck = { lives: words, contests: drawLuck(chance.split('contests'), evolution.lives), mirrored };
    const sd = MUTATION.first + (MUTATION.last - MUTATION.first) * (generation / generations);
    const mutations = chance.split('mutations');
    const children = Array.from({ length: CHILDREN }, () => {
      const genes = Object.fromEntries(
        evolving.map((gene) => [gene, parent[gene] + (mirrored ? -sd : sd) * mutations.normal()]),
      );
      return { ...NO_GENES, ...genes };
    });
    const field = isApart(ecology) ? fieldOf(being, ecology, luck) : undefined;
    const livedBy = (genes: Genes): Contested =>
      field ? foughtOn(field, genes, scale) : contested(being, genes, ecology, scale, luck);
    const ranked = children
      .map((genes) => ({ genes, fitness: fitnessOf(livedBy(genes), ecology) }))
      // Equals keep their order.
      .toSorted((a, b) => b.fitness - a.fitness)
      .slice(0, PARENTS);
    const mean = (gene: keyof Genes): number => ranked.reduce((sum, { genes }) => sum + genes[gene], 0) / PARENTS;
    parent = { ...NO_GENES, ...Object.fromEntries(evolving.map((gene) => [gene, mean(gene)])) };
    yield parent;
  }
}

/** What is selected: wins minus losses a life, or, where meals are fought over, the steps of life. */
export function fitnessOf({ life, won }: { readonly life: number; readonly won: number }, { stake }: Ecology): number {
  return stake === 'apart' ? won : life;
}
