/** The doses that trends are claimed over. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import study from './study.ts';
import { SERIES } from './doses.ts';

for (const { name, doses } of SERIES) {
  test(`${name}: doses ascend over a decade or more, and both losses are asked for a trend over all of them`, () => {
    const values = doses.map(({ value }) => value);
    assert.deepEqual(
      values,
      values.toSorted((a, b) => a - b),
    );
    assert.ok((values.at(-1) ?? 0) >= 10 * (values[0] ?? Infinity));
    const asked = (study.claims ?? []).filter((claim) => claim.name.startsWith(`${name}:`));
    assert.deepEqual(
      asked.map(({ at }) => at.kind === 'crossed' && at.axis),
      ['train', 'heldOut'],
    );
    for (const { arm, against } of asked) {
      assert.ok(against.kind === 'arms');
      const named = new Set([arm, ...Object.keys(against.weights)]);
      // A dose at the middle of the line has no weight.
      assert.ok(doses.filter((dose) => !named.has(dose.name)).length <= doses.length % 2);
      assert.ok(named.isSubsetOf(new Set(doses.map((dose) => dose.name))));
    }
  });
}
