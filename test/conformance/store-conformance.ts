/** The contract of `src/store/store.ts` as tests; every implementation of a store passes them all, with no exceptions. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import * as fc from 'fast-check';

import { AssayError } from '#base/errors.ts';
import type { Look, PlanMember, PlanRecord, Provenance, RunHead } from '#store/records.ts';
import type { Store, StoreReader } from '#store/store.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';

/** A fresh, empty place for one store; opened any number of times. */
export interface StorePlace extends AsyncDisposable {
  openStore(): Promise<Store>;
  openReader(): Promise<StoreReader>;
}

const HERE: Provenance = {
  assay: '1',
  onnxruntime: '1',
  node: '24',
  os: 'linux',
  arch: 'x64',
  instructionSets: 'avx2',
};
const ELSEWHERE: Provenance = { ...HERE, instructionSets: 'avx512f' };
const PLAN: PlanRecord = {
  planId: 'p1',
  study: 'toy',
  profile: 'quick',
  blocks: 2,
  design: 'sequential',
  settings: [{ path: 'steps', value: 5, from: '--set' }],
  description: { a: [1] },
};
const FIRST: TrajectoryPoint[] = [{ step: 0, axes: { train: 2.5 } }];
const SECOND: TrajectoryPoint[] = [
  { step: 5, axes: { train: 0.1 + 0.2 }, outcomes: { behaviour: 5e-324 } },
  { step: 9, axes: { train: -1.7976931348623157e308 } },
];

function headOf(measureId: string): RunHead {
  const config = { rate: 0.1, method: { kind: 'full' } };
  return {
    measureId,
    trainId: `t-${measureId}`,
    recipe: 'toy',
    semanticsVersion: 1,
    seed: 3,
    config,
    inputs: { file: 'abc' },
  };
}

function isStoreError(error: unknown): boolean {
  return error instanceof AssayError && error.kind === 'store';
}

/** Declares the tests of a store called `name`. */
export function testStoreContract(name: string, newPlace: () => Promise<StorePlace>): void {
  const claim = (title: string, check: (place: StorePlace) => Promise<void>): void => {
    test(`${name}: ${title}`, async () => {
      await using place = await newPlace();
      await check(place);
    });
  };
  testRuns(claim);
  testPlans(claim);
  testLooks(claim);
  testProcesses(claim);
}

type Claim = (title: string, check: (place: StorePlace) => Promise<void>) => void;

function testRuns(claim: Claim): void {
  claim('a run that was never opened is undefined and has no points', async (place) => {
    await using store = await place.openStore();
    assert.equal(await store.readRun('r'), undefined);
    assert.deepEqual(await store.readPoints('r'), []);
  });

  claim('points and checkpoint of every commit are there after reopening, in order and to the bit', async (place) => {
    {
      await using store = await place.openStore();
      await store.openRun(headOf('r'), HERE);
      await store.commitCheckpoint('r', FIRST, 'file-1');
      await store.commitCheckpoint('r', SECOND, 'file-2');
    }
    await using store = await place.openStore();
    const run = await store.readRun('r');
    assert.deepEqual(run?.state, { kind: 'open' });
    assert.equal(run?.checkpoint, 'file-2');
    assert.deepEqual(run?.config, headOf('r').config);
    assert.deepEqual(run?.inputs, headOf('r').inputs);
    assert.deepEqual(await store.readPoints('r'), [...FIRST, ...SECOND]);
    assert.deepEqual(await store.checkpoints(), new Map([['r', 'file-2']]));
  });

  claim(
    'only the end mark ends a run; with it the last points are there and the checkpoint is forgotten',
    async (place) => {
      await using store = await place.openStore();
      await store.openRun(headOf('r'), HERE);
      await store.commitCheckpoint('r', FIRST, 'file-1');
      await store.endRun('r', SECOND, { kind: 'diverged', step: 9, reason: 'loss is not finite' });
      const run = await store.readRun('r');
      assert.deepEqual(run?.state, { kind: 'diverged', step: 9, reason: 'loss is not finite' });
      assert.equal(run?.checkpoint, undefined);
      assert.deepEqual(await store.readPoints('r'), [...FIRST, ...SECOND]);
      assert.equal((await store.checkpoints()).size, 0);
    },
  );

  claim('a refused call keeps nothing of itself', async (place) => {
    await using store = await place.openStore();
    await store.openRun(headOf('r'), HERE);
    await store.endRun('r', FIRST, { kind: 'finished' });
    await assert.rejects(store.commitCheckpoint('r', SECOND, 'file-2'), isStoreError);
    await assert.rejects(store.endRun('r', SECOND, { kind: 'finished' }), isStoreError);
    await assert.rejects(store.endRun('never', SECOND, { kind: 'finished' }), isStoreError);
    assert.deepEqual(await store.readPoints('r'), FIRST);
    assert.equal(await store.readRun('never'), undefined);
    const broken: TrajectoryPoint[] = [{ step: 1, axes: { train: Number.NaN } }];
    await store.openRun(headOf('s'), HERE);
    await assert.rejects(store.commitCheckpoint('s', broken, 'file-1'));
    assert.equal((await store.readRun('s'))?.checkpoint, undefined);
    assert.deepEqual(await store.readPoints('s'), []);
  });

  claim('a restarted run is as if never opened; one that ended well cannot be restarted', async (place) => {
    await using store = await place.openStore();
    await store.openRun(headOf('r'), HERE);
    await store.commitCheckpoint('r', FIRST, 'file-1');
    await store.endRun('r', [], { kind: 'failed', message: 'out of memory' });
    await store.restartRun('r');
    await store.openRun(headOf('r'), ELSEWHERE);
    const run = await store.readRun('r');
    assert.deepEqual(run?.state, { kind: 'open' });
    assert.deepEqual(run?.provenance, [ELSEWHERE]);
    assert.deepEqual(await store.readPoints('r'), []);
    await store.endRun('r', SECOND, { kind: 'finished' });
    await assert.rejects(store.restartRun('r'), isStoreError);
    assert.deepEqual(await store.readPoints('r'), SECOND);
  });

  claim('opening again adds a new provenance once, and changes nothing of a run that ended', async (place) => {
    await using store = await place.openStore();
    await store.openRun(headOf('r'), HERE);
    await store.openRun(headOf('r'), HERE);
    await store.openRun(headOf('r'), ELSEWHERE);
    assert.deepEqual((await store.readRun('r'))?.provenance, [HERE, ELSEWHERE]);
    await store.openRun(headOf('s'), HERE);
    await store.endRun('s', FIRST, { kind: 'finished' });
    await store.openRun(headOf('s'), ELSEWHERE);
    assert.deepEqual((await store.readRun('s'))?.provenance, [HERE]);
    assert.deepEqual((await store.readRun('s'))?.state, { kind: 'finished' });
  });

  claim('any finite trajectory comes back as it was, however it was cut into commits', async (place) => {
    await using store = await place.openStore();
    // JSON has no minus zero; a loss of -0 comes back as 0.
    const value = fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (number === 0 ? 0 : number));
    const name = fc.string({ maxLength: 5 }).filter((text) => text !== '__proto__');
    const values = fc.dictionary(name, value, { maxKeys: 3, noNullPrototype: true });
    const commit = fc.array(fc.record({ step: fc.nat(), axes: values, outcomes: values }, { noNullPrototype: true }), {
      maxLength: 3,
    });
    let count = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(commit, { maxLength: 4 }), async (commits) => {
        const id = `r${count++}`;
        await store.openRun(headOf(id), HERE);
        for (const points of commits) await store.commitCheckpoint(id, points, 'file');
        assert.deepEqual(await store.readPoints(id), commits.flat());
      }),
      { numRuns: 30 },
    );
  });
}

function testPlans(claim: Claim): void {
  claim('the latest plan of a study is the one saved last, also when it was there before', async (place) => {
    await using store = await place.openStore();
    assert.equal(await store.latestPlan('toy'), undefined);
    const larger = { ...PLAN, planId: 'p0', blocks: 8 };
    await store.savePlan(PLAN);
    await store.savePlan(larger);
    await store.savePlan({ ...PLAN, planId: 'x', study: 'other' });
    assert.deepEqual(await store.latestPlan('toy'), larger);
    await store.savePlan(PLAN);
    assert.deepEqual(await store.latestPlan('toy'), PLAN);
    assert.deepEqual(await store.plans('toy'), [PLAN, larger]);
    assert.deepEqual(await store.plans('nowhere'), []);
  });

  claim('members come back once each, pilots first, then by arm, rate and block', async (place) => {
    await using store = await place.openStore();
    const member = (phase: PlanMember['phase'], arm: string, learningRate: number, block: number): PlanMember => {
      return { measureId: `${arm}${learningRate}${block}`, phase, arm, learningRate, block };
    };
    const sorted = [
      member('pilot', 'b', 0.1, 1_000_000),
      member('confirmatory', 'a', 1e-5, 2),
      member('confirmatory', 'a', 1e-5, 10),
      member('confirmatory', 'a', 0.02, 0),
      member('confirmatory', 'b', 0.1, 0),
    ];
    await store.addMembers('p1', sorted.toReversed());
    await store.addMembers('p1', sorted.slice(1, 3));
    await store.addMembers('p10', sorted.slice(0, 1));
    assert.deepEqual(await store.readMembers('p1'), sorted);
    assert.deepEqual(await store.readMembers('p10'), sorted.slice(0, 1));
  });

  claim('what the pilots decided is kept by plan and arm', async (place) => {
    await using store = await place.openStore();
    const none = { arm: 'b', outcome: { kind: 'none', reason: 'all diverged' } } as const;
    const some = { arm: 'a', outcome: { kind: 'admissible', rates: [0.1, 0.2] } } as const;
    await store.settleArm('p1', none);
    await store.settleArm('p1', some);
    await store.settleArm('p1', some);
    assert.deepEqual(await store.readSettled('p1'), [some, none]);
    assert.deepEqual(await store.readSettled('p2'), []);
  });

  claim('a shared step is undefined until saved, and saving again replaces it', async (place) => {
    await using store = await place.openStore();
    assert.equal(await store.readShared('s'), undefined);
    await store.saveShared('s', 'base model', 'file-1');
    await store.saveShared('s', 'base model', 'file-2');
    assert.equal(await store.readShared('s'), 'file-2');
    assert.deepEqual(await store.sharedFiles(), new Set(['file-2']));
  });
}

function testLooks(claim: Claim): void {
  const first: Look = { planId: 'p1', blocks: [0, 1], summary: { verdicts: ['undecided'] } };
  const second: Look = { planId: 'p2', blocks: [0, 1, 2], summary: { verdicts: ['affects'] } };

  claim('looks come back in the order they were made, by study, also after reopening', async (place) => {
    {
      await using store = await place.openStore();
      assert.deepEqual(await store.readLooks('toy'), []);
      assert.deepEqual(await store.addLook('toy', first), { ...first, study: 'toy', ordinal: 1 });
      await store.addLook('toy', second);
      await store.addLook('toy-two', second);
    }
    await using store = await place.openStore();
    await store.addLook('toy', first);
    const looks = [first, second, first].map((look, i) => ({ ...look, study: 'toy', ordinal: i + 1 }));
    assert.deepEqual(await store.readLooks('toy'), looks);
    assert.deepEqual(await store.readLooks('toy-two'), [{ ...second, study: 'toy-two', ordinal: 1 }]);
    await using reader = await place.openReader();
    assert.deepEqual(await reader.readLooks('toy'), looks);
  });

  claim('the same answer asked for again is no further look; anything new seen is one', async (place) => {
    await using store = await place.openStore();
    await store.addLook('toy', first);
    assert.equal((await store.addLook('toy', first)).ordinal, 1);
    assert.equal((await store.addLook('toy', { ...first, summary: { verdicts: ['affects'] } })).ordinal, 2);
    assert.equal((await store.addLook('toy', { ...first, blocks: [0, 1, 2] })).ordinal, 3);
    assert.equal((await store.readLooks('toy')).length, 3);
  });

  claim('what a look cannot hold is refused, and leaves the looks as they were', async (place) => {
    await using store = await place.openStore();
    await store.addLook('toy', first);
    await assert.rejects(store.addLook('toy', { ...first, summary: { p: Number.NaN } }));
    assert.equal((await store.readLooks('toy')).length, 1);
  });
}

function testProcesses(claim: Claim): void {
  claim('a reader sees what is committed while the writer is open', async (place) => {
    await using store = await place.openStore();
    await using reader = await place.openReader();
    await store.openRun(headOf('r'), HERE);
    await store.commitCheckpoint('r', FIRST, 'file-1');
    assert.deepEqual(await reader.readPoints('r'), FIRST);
    assert.equal((await reader.readRun('r'))?.checkpoint, 'file-1');
    await reader.verify();
  });

  claim('a second writer is refused, and let in once the first is gone', async (place) => {
    {
      await using _first = await place.openStore();
      await assert.rejects(place.openStore(), isStoreError);
    }
    await using second = await place.openStore();
    await second.savePlan(PLAN);
  });

  claim('a reader of a store that does not exist is refused', async (place) => {
    await assert.rejects(place.openReader(), isStoreError);
  });
}
