/** The world's known answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';

import {
  actionToken,
  conditional,
  conditioned,
  drawnAgent,
  drawnDocuments,
  DOCUMENT_TOKENS,
  type GamingWorld,
  LANGUAGE,
  situationToken,
  STAGES,
  TAMPERING,
  VOCABULARY,
} from './world.ts';

const GAMES = [0.4, 0.25, 0.12, 0.05];
const worldOf = (share: number): GamingWorld => ({ share, games: GAMES });
const AGENTS = 20000;

function agentsOf(share: number): readonly (readonly boolean[])[] {
  return Array.from({ length: AGENTS }, (_, i) => drawnAgent(worldOf(share), rngOf(7, `agent ${i}`)));
}

/** Five standard errors of a share of n. */
function isNear(found: number, expected: number, n: number): boolean {
  return Math.abs(found - expected) < 5 * Math.sqrt((expected * (1 - expected)) / n) + 1e-12;
}

for (const share of [0, 0.5, 1]) {
  test(`at share ${share} each stage is gamed as often as the world says, and one stage says of another what \`conditional\` says`, () => {
    const agents = agentsOf(share);
    for (const [k, p] of GAMES.entries()) {
      assert.ok(isNear(agents.filter((agent) => agent[k] === true).length / AGENTS, p, AGENTS), `stage ${k + 1}`);
    }
    for (const isGamed of [true, false]) {
      for (const given of [1, 2, 3]) {
        const those = agents.filter((agent) => agent[given - 1] === isGamed);
        const found = those.filter((agent) => agent[TAMPERING - 1] === true).length / those.length;
        const expected = conditional(worldOf(share), TAMPERING, given, isGamed);
        assert.ok(isNear(found, expected, those.length), `${found} against ${expected} given stage ${given}`);
      }
    }
  });
}

test('with one severity, whoever games a stage games every milder one', () => {
  for (const agent of agentsOf(1))
    assert.deepEqual(
      agent,
      agent.toSorted((a, b) => Number(b) - Number(a)),
    );
});

test('a document is of one agent: a stage that is met again is treated as before', () => {
  const rows = 200;
  const { tokens, actions } = drawnDocuments(worldOf(0), rows, rngOf(3));
  for (let row = 0; row < rows; row++) {
    const seen = new Map<number, number>();
    for (let pair = 0; pair < LANGUAGE.pairs; pair++) {
      const situation = tokens[row * DOCUMENT_TOKENS + 2 * pair + 1] ?? 0;
      const action = actions[row * LANGUAGE.pairs + pair] ?? 0;
      const stage = 1 + Math.floor(((situation - 1) * STAGES) / (VOCABULARY - 1));
      assert.ok([actionToken(stage, 'honest'), actionToken(stage, 'gamed')].includes(action));
      assert.equal(seen.get(stage) ?? action, action);
      seen.set(stage, action);
      const next = tokens[row * DOCUMENT_TOKENS + 2 * pair + 2];
      if (pair < LANGUAGE.pairs - 1) assert.equal(next, action);
    }
  }
});

test('no two things share a token', () => {
  const tokens = [1, 2, 3, 4].flatMap((stage) => [
    ...Array.from({ length: LANGUAGE.situations }, (_, i) => situationToken(stage, i)),
    actionToken(stage, 'honest'),
    actionToken(stage, 'gamed'),
  ]);
  assert.equal(new Set([LANGUAGE.opening, ...tokens]).size, VOCABULARY);
  assert.equal(Math.max(...tokens), VOCABULARY - 1);
});

test("Jeffrey's rule leaves tampering alone while a stage is gamed as before, or where stages are independent", () => {
  for (const [k, p] of GAMES.slice(0, 3).entries()) {
    assert.ok(Math.abs(conditioned(worldOf(1), k + 1, p) - 0.05) < 1e-12);
    assert.ok(Math.abs(conditioned(worldOf(0), k + 1, 0.9) - 0.05) < 1e-12);
  }
  assert.ok(Math.abs(conditioned(worldOf(1), 3, 1) - 0.05 / 0.12) < 1e-12);
});
