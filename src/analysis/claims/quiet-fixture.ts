/** A world with little noise, and a claim about its arms at each training loss. */
import type { AnalysedStudy } from '#analysis/analyse.ts';
import { BASE, DELTA, WORLD_STUDY, type World } from '#analysis/validation/world.ts';
import type { Claim } from '#study/claim.ts';

export const QUIET: World = { ...BASE, rates: 1, sigma: DELTA / 5 };

export const CLAIM: Claim = {
  name: 'at each loss',
  arm: 'arm',
  against: { kind: 'arm', arm: 'reference' },
  at: { kind: 'crossed', axis: 'train' },
  asks: { kind: 'question' },
};

/** The study of worlds, with that claim beside its contrasts. */
export const CLAIMING: AnalysedStudy = { ...WORLD_STUDY, claims: [CLAIM] };
