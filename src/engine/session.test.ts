import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { mul } from '#engine/ops/elementwise.ts';
import { gather } from '#engine/ops/indexing.ts';
import { input } from '#engine/ops/sources.ts';
import { compile } from '#engine/session.ts';

/** 16 MiB: far more than a run needs beside its outputs. */
const LENGTH = 2 ** 22;
const MEBIBYTE = 2 ** 20;

describe('a run of a compiled graph', () => {
  test('outputs are written where they are bound, and no copy of them is made', async () => {
    const x = input('x', [LENGTH]);
    await using program = await compile({ doubled: mul(x, 2), tripled: mul(x, 3) });
    const [doubled, tripled] = [program.float32('doubled'), program.float32('tripled')];
    program.float32('x').fill(1);
    await program.run();
    program.float32('x').fill(5);
    const before = process.memoryUsage().arrayBuffers;
    await program.run();
    const made = process.memoryUsage().arrayBuffers - before;
    // With another version of the runtime: read how its binding hands back outputs (ADR 0172).
    assert.ok(made < MEBIBYTE, `${made} bytes of array buffers were made; is onnxruntime-node READ_BINDING.version?`);
    assert.deepEqual([doubled[0], doubled.at(-1), tripled[0], tripled.at(-1)], [10, 10, 15, 15]);
  });

  test('an error of the computation is thrown, also when it comes after a run that went well', async () => {
    const [table, rows] = [input('table', [4, 2]), input('rows', [1], 'int32')];
    await using program = await compile({ found: gather(table, rows) });
    program.float32('table').set([0, 1, 2, 3, 4, 5, 6, 7]);
    program.int32('rows')[0] = 3;
    await program.run();
    assert.deepEqual([...program.float32('found')], [6, 7]);
    program.int32('rows')[0] = 4;
    await assert.rejects(program.run(), /out of (data )?bounds/);
  });
});
