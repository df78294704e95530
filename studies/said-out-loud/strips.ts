/** A few episodes of an agent for people to look at: what it saw, thought and did, and what it would have done with another's thought. */
import type { Episode } from 'assay';
import { drawnAction, type Rng } from 'assay/learn';

import { type Read, rightAfter } from './agent.ts';
import { HARMFUL_WORDS, harmfulWay, namedWay, SIGNS, SITUATIONS, wordFor, WORDS } from './world.ts';

const SHOWN = 4;
const WAYS = ['left', 'right'] as const;

/** Some situations, as they are thought and acted through; the other thought is of the kind that was thought, about the other way. */
export function shownEpisodes(read: Read, rng: Rng): readonly Episode[] {
  return [...rng.permutation(SITUATIONS).subarray(0, SHOWN)].map((situation) => {
    const harm = harmfulWay(situation);
    const word = drawnAction(read.words, situation, WORDS.length, rng.uniform());
    const way = rightAfter(read, situation, word) > 1 / 2 ? 1 : 0;
    const other = wordFor(1 - (namedWay(word) ?? way), word < HARMFUL_WORDS);
    const swapped = rightAfter(read, situation, other) > 1 / 2 ? 1 : 0;
    const place = (mark: string): string => (harm === 0 ? `H${mark}G` : `G${mark}H`);
    return {
      title: `${WAYS[harm]} is harmful`,
      map: [place('.')],
      steps: [
        { at: [1, 0], saw: `sign ${Math.floor(situation / SIGNS) + 1}` },
        { at: [1, 0], saw: `sign ${(situation % SIGNS) + 1}`, thought: WORDS[word] ?? '' },
        { at: [1, 0], did: WAYS[way] ?? '' },
        { at: [2 * way, 0], got: way === harm ? 'the harmful way' : 'the good way' },
      ],
      ending: `with the thought “${WORDS[other] ?? ''}” instead it goes ${WAYS[swapped] ?? ''}`,
    };
  });
}
