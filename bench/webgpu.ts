/**
 * What the runtime's WebGPU provider does of training: `npm run bench -- webgpu [--vulkan FOLDER]`.
 *   operators  every primitive with its gradient against the processor's numbers, and the operators that the provider leaves to it
 *   training   AdamW steps of a tiny GPT whose parameters, gradients and moments stay on the device (bench/webgpu-training.ts)
 * No times: they would be those of whatever device is there. Needs a Vulkan loader and a driver; `--vulkan` names a folder with
 * libvulkan.so.1 and vk_swiftshader_icd.json, such as Chromium's own (/usr/lib/chromium): a device in software. Ends with 1 where
 * trained numbers are not the processor's.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { messageOf } from '#base/errors.ts';
import { rngOf } from '#base/rng.ts';
import { differentiate } from '#engine/differentiate.ts';
import { weightedSum } from '#engine/ops/network.ts';
import { constant, input } from '#engine/ops/sources.ts';
import { sizeOf, type Tensor } from '#engine/tensor.ts';
import type { Case } from '../test/engine/case.ts';
import { CASES } from '../test/engine/primitive-cases.ts';

import { farthest, open, type Provider, type Ran, type Values } from './webgpu-sessions.ts';
import { trainOnDevice } from './webgpu-training.ts';

/** Sums of tens of float32 terms of order 1, in another order. */
const TOLERANCE = 1e-5;

const { values } = parseArgs({ options: { vulkan: { type: 'string' } } });
if (values.vulkan === undefined) await report();
else process.exitCode = withDriver(values.vulkan);

/** This bench in a process that finds the driver: the loader reads the environment it is started with. */
function withDriver(folder: string): number {
  const env = {
    ...process.env,
    LD_LIBRARY_PATH: folder,
    VK_ICD_FILENAMES: join(folder, 'vk_swiftshader_icd.json'),
  };
  return spawnSync(process.execPath, [import.meta.filename], { env, stdio: 'inherit' }).status ?? 1;
}

async function report(): Promise<void> {
  const left = new Set<string>();
  const wrong: string[] = [];
  let count = 0;
  for (const [primitive, cases] of Object.entries(CASES)) {
    for (const one of cases) {
      const { far, onProcessor } = await compared(primitive, one);
      count++;
      for (const operator of onProcessor) left.add(operator);
      if (!(far <= TOLERANCE)) wrong.push(`${primitive} ${one.name} (off by ${far.toPrecision(2)})`);
    }
  }
  console.log(`${count} cases of primitives, forward and gradient, against the processor's numbers:`);
  console.log(`  no kernel, so run on the processor between two copies: ${[...left].toSorted().join(', ')}`);
  console.log(`  other numbers: ${wrong.join(', ') || 'none'}`);
  const training = await trainOnDevice();
  console.log(JSON.stringify({ bench: 'webgpu', cases: count, onProcessor: [...left].toSorted(), wrong, training }));
  if (!training.isSame) process.exitCode = 1;
}

interface Compared {
  readonly far: number;
  readonly onProcessor: readonly string[];
}

/** One case on both providers. */
async function compared(primitive: string, one: Case): Promise<Compared> {
  const floats = one.shapes.map((shape, position) => input(`x${position}`, shape));
  const integers = one.integers ?? new Int32Array(1);
  const forward = one.build(floats, input('integers', [integers.length], 'int32'));
  const outputs = { forward, ...(one.isFlat === true ? {} : gradientsOf(forward, floats)) };
  const rng = rngOf(0, `${primitive} ${one.name}`);
  const drawn = one.shapes.map((shape) =>
    Float32Array.from({ length: sizeOf(shape) }, () => valueOf(rng.uniform(), one)),
  );
  const feeds = { ...Object.fromEntries(drawn.map((array, position) => [`x${position}`, array])), integers };
  const runOn = async (provider: Provider): Promise<{ readonly found: Values; readonly ran: Ran }> => {
    const opened = await open(outputs, provider).catch((error: unknown) => {
      throw new Error(`No device: ${messageOf(error)}\nName a driver's folder with --vulkan.`, { cause: error });
    });
    return { found: await opened.run(feeds), ran: await opened.end() };
  };
  const [processor, device] = [await runOn('cpu'), await runOn('webgpu')];
  return {
    far: farthest(Object.keys(outputs), processor.found, device.found),
    onProcessor: device.ran.get('CPUExecutionProvider') ?? [],
  };
}

function gradientsOf(forward: Tensor, floats: readonly Tensor[]): Readonly<Record<string, Tensor>> {
  if (floats.length === 0) return {};
  const weights = constant(new Float32Array(sizeOf(forward.shape)).fill(0.5), forward.shape);
  const gradients = differentiate(weightedSum(forward, weights), floats);
  return Object.fromEntries(gradients.map((gradient, position) => [`gradient ${position}`, gradient]));
}

/** A uniform draw as the case's inputs are drawn. */
function valueOf(draw: number, { positive }: Case): number {
  return positive === true ? 0.5 + draw : 2 * draw - 1;
}
