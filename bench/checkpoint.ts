/**
 * What a checkpoint of a whole model costs beside a step, in memory and time: npm run bench -- checkpoint [--shape NAME] [--threads N]
 *   [--folder FOLDER, for the model (4 bytes a weight) and its checkpoint (12)]
 * AdamW over all weights of a model of random numbers, one row of 64 tokens. One process takes a step, writes its checkpoint as a run
 * does and takes another step; a second process resumes and takes that step too: the weights must have the same bits. Each process of
 * its own, so that peaks do not mix.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { sha256Of } from '#base/bytes.ts';
import { rngOf } from '#base/rng.ts';
import { fileWeights } from '#learning/files/tensors/weights-file.ts';
import { transformerParameters } from '#learning/models/parameters.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import { createTrainer, type Trainer } from '#learning/train.ts';
import { trainingRun } from '#recipes/training-run.ts';
import { artifactsIn } from '#store/artifacts.ts';
import type { RunContext } from '#study/recipe.ts';

import { SHAPES } from './real-shapes.ts';
import { measure } from './side-by-side.ts';
import { peakAnonymousMiB } from './step-costs.ts';

const LR = 1e-4;
const STEPS = 2;
const LENGTH = 64;

const { values } = parseArgs({
  options: {
    shape: { type: 'string', default: 'qwen2.5-0.5b' },
    threads: { type: 'string', default: '2' },
    folder: { type: 'string' },
    weights: { type: 'string' },
    resume: { type: 'string' },
  },
});
if (values.weights === undefined) compareBoth();
else console.log(JSON.stringify(await runOnce(values.weights, values.folder ?? '', values.resume)));

/** What one process saw. */
interface Seen {
  readonly peakAfterStepMiB: number;
  readonly peakMiB: number;
  /** Of the checkpoint: its file, and how long it took to be written, or read and verified. */
  readonly file: string;
  readonly checkpointSeconds: number;
  readonly weights: string;
}

function compareBoth(): void {
  const folder = values.folder ?? mkdtempSync(join(tmpdir(), 'assay-checkpoint-'));
  const weights = join(folder, 'model.bin');
  try {
    const drawn = ['weights', '--file', weights, '--shape', values.shape];
    measure(process.execPath, [join(import.meta.dirname, 'real-step.ts'), ...drawn]);
    const own = [import.meta.filename, '--shape', values.shape, '--threads', values.threads, '--folder', folder];
    const whole = measure(process.execPath, [...own, '--weights', weights]) as Seen;
    const resumed = measure(process.execPath, [...own, '--weights', weights, '--resume', whole.file]) as Seen;
    const isSame = whole.weights === resumed.weights;
    console.log(
      `${values.shape}: peak after a step ${whole.peakAfterStepMiB} MiB, after its checkpoint too ${whole.peakMiB} MiB ` +
        `(${whole.checkpointSeconds.toFixed(1)} s); resumed ${resumed.peakMiB} MiB (${resumed.checkpointSeconds.toFixed(1)} s to verify); ` +
        `the same bits: ${isSame ? 'yes' : 'NO'}`,
    );
    console.log(JSON.stringify({ bench: 'checkpoint', shape: values.shape, whole, resumed, isSame }));
    if (!isSame) process.exitCode = 1;
  } finally {
    if (values.folder === undefined) rmSync(folder, { recursive: true });
  }
}

/** Two steps, or the second alone from the checkpoint between them. */
async function runOnce(weights: string, folder: string, resume: string | undefined): Promise<Seen> {
  const model = SHAPES[values.shape];
  if (model === undefined) throw new Error(`Expected a shape of ${Object.keys(SHAPES).join(', ')}.`);
  const artifacts = artifactsIn(join(folder, 'checkpoints'));
  const batch = { rows: 1, length: LENGTH };
  const threads = Number(values.threads);
  await using trainer = await createTrainer({
    model,
    method: { kind: 'full' },
    optimizer: ADAMW_DEFAULTS,
    batch,
    threads,
  });
  trainer.reset(fileWeights(weights, transformerParameters(model)), rngOf(0));
  let [file, checkpointSeconds, peakAfterStepMiB] = ['', 0, 0];
  const verifying = performance.now();
  const found = resume === undefined ? undefined : await artifacts.sourceOf(resume);
  if (resume !== undefined) checkpointSeconds = (performance.now() - verifying) / 1000;
  const context: RunContext = {
    config: {},
    block: 0,
    resumeFrom: undefined,
    resumeSource: found?.kind === 'found' ? found.source : undefined,
    record: () => {},
    progress: () => {},
    signal: new AbortController().signal,
    shared: async (_name, _key, compute) => compute(),
    checkpoint: async (state) => {
      // After the first step, or what was resumed and taken.
      peakAfterStepMiB = peakAnonymousMiB();
      if (resume !== undefined || !hasStepped) return;
      const started = performance.now();
      file = artifacts.put(state());
      checkpointSeconds = (performance.now() - started) / 1000;
      hasStepped = false;
    },
  };
  let hasStepped = false;
  await trainingRun(
    context,
    { steps: STEPS, probeEvery: 1, levels: {} },
    {
      learner: trainer,
      axes: async () => ({ train: 1 }),
      outcomes: async () => ({}),
      step: async (step) => {
        await stepOf(trainer, step, model.vocabulary);
        hasStepped = step === 0;
        return undefined;
      },
    },
  );
  const hash = sha256Of(
    Array.from(
      trainer.memory.values(),
      ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
    ),
  );
  return { file, checkpointSeconds, peakAfterStepMiB, peakMiB: peakAnonymousMiB(), weights: hash };
}

async function stepOf(trainer: Trainer, step: number, vocabulary: number): Promise<void> {
  const rng = rngOf(0, `tokens ${step}`);
  const draw = (): Int32Array => Int32Array.from({ length: LENGTH }, () => rng.below(vocabulary));
  await trainer.forwardBackward({ tokens: draw(), labels: draw(), weights: new Float32Array(LENGTH).fill(1 / LENGTH) });
  trainer.optimStep(LR);
}
