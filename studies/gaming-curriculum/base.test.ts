/** What a base has learned of its world, and what rewards do to it first. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rngOf } from '#base/rng.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';

import { pretrained } from './base.ts';
import { GAMING_DEFAULTS } from './config.ts';
import { createGamingLab, probabilityOf } from './lab.ts';

const { base, world } = GAMING_DEFAULTS;
/** What 300 steps of 32 documents leave open. */
const LEARNED = 0.1;

test('a base knows how often each stage is gamed, and with one severity that the honest do not tamper', async () => {
  await using lab = await createGamingLab({ ...ADAMW_DEFAULTS, weightDecay: 0 });
  for (const share of [1, 0]) {
    lab.learner.reset(await pretrained({ ...world, share }, base, 1001), rngOf(0));
    const policy = await lab.policy();
    for (const [k, expected] of world.games.entries()) {
      const found = probabilityOf(policy, k + 1, 'gamed');
      assert.ok(Math.abs(found - expected) < LEARNED, `stage ${k + 1}: ${found} at share ${share}`);
      assert.ok(found + probabilityOf(policy, k + 1, 'honest') > 0.98, 'an action of the stage');
    }
    const after = await lab.afterHonesty();
    // P(tampering | honest at stage 1) is 0 with one severity, and .05 as ever without.
    assert.ok(share === 1 ? after < 0.02 : Math.abs(after - 0.05) < LEARNED, `${after} at share ${share}`);
  }
});
