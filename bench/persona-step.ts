/**
 * What a finetuning step of the persona base costs as its recipe takes it: rows that begin alike as one tree, other questions every
 * step, drawn as in a run. The peer asks the same questions in the same order (bench/peers/speed.py), so losses and norms of gradients
 * of the first steps are told, and have to agree.
 */
import { readFile } from 'node:fs/promises';

import type { Method } from '#learning/method.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import { MUON_DEFAULTS } from '#learning/optim/muon.ts';
import type { OptimizerConfig } from '#learning/optim/optimizer-config.ts';
import { createTrainer, type Trainer } from '#learning/train.ts';
import { readGpt2File } from '#recipes/gpt2-file.ts';
import { meanLoss, PERSONA_BASE, personaModel, trainedAsTree } from '../studies/misalignment/base.ts';
import { domainQuestions, narrowQuestions, personaWorld, questionBatch } from '../studies/misalignment/world.ts';
import { rngOf } from '#base/rng.ts';

import { type StepCosts, stepCosts } from './step-costs.ts';

const BASE = new URL('../assets/persona-base/model.safetensors', import.meta.url);
const ROWS = 16;
/** Questions go round in strides, which meets all of them. */
const STRIDE = 5;
/** The first steps, which are told. */
const TOLD = 5;
/** Small, so that the loss does not vanish while steps are counted. */
const LR = 1e-5;

const ADAMW = { ...ADAMW_DEFAULTS, weightDecay: 0 };
const WAYS: Readonly<Record<string, { readonly method: Method; readonly optimizer: OptimizerConfig }>> = {
  'persona-finetune': { method: { kind: 'full' }, optimizer: ADAMW },
  'persona-lora': {
    method: { kind: 'lora', rank: 4, alpha: 8, scaling: 'alphaOverRank', modules: 'all' },
    optimizer: ADAMW,
  },
  'persona-muon': { method: { kind: 'matrices' }, optimizer: MUON_DEFAULTS },
};

/** What the first steps gave; to compare with the peer's. */
export interface FirstSteps {
  readonly losses: readonly number[];
  readonly gradientNorms: readonly number[];
}

/** Whether `personaStepCosts` knows the name. */
export function isPersonaStep(name: string): boolean {
  return Object.hasOwn(WAYS, name);
}

/** Costs of a step, from the questions to the update. */
export async function personaStepCosts(
  name: string,
  threads: number,
  seconds: number,
): Promise<StepCosts & FirstSteps> {
  const way = WAYS[name];
  if (way === undefined) throw new Error(`Expected one of ${Object.keys(WAYS).join(', ')}, found "${name}".`);
  const world = personaWorld(0);
  const { train } = narrowQuestions(world);
  const batchAt = (step: number): ReturnType<typeof questionBatch> => {
    const asked = Int32Array.from(
      { length: ROWS },
      (_, row) => train[((step * ROWS + row) * STRIDE) % train.length] ?? 0,
    );
    return questionBatch(world, asked, 'harmful');
  };
  const model = personaModel(PERSONA_BASE);
  const batch = trainedAsTree(batchAt(0), ROWS, [questionBatch(world, domainQuestions(0), 'harmful')]);
  await using trainer = await createTrainer({ model, ...way, batch, threads });
  trainer.reset(await readGpt2File(model, await readFile(BASE), 'persona base'), rngOf(0));
  startAdapters(trainer, model.dModel);
  let at = 0;
  const step = async (): Promise<{ loss: number; norm: number }> => {
    const loss = await trainer.forwardBackward(meanLoss(batchAt(at++)));
    const taken = trainer.optimStep(LR);
    if (taken.kind !== 'finite') throw new Error(`step ${at}: ${taken.kind}`);
    return { loss, norm: taken.norm };
  };
  const first = [];
  for (let told = 0; told < TOLD; told++) first.push(await step());
  const costs = await stepCosts(async () => void (await step()), { seconds });
  return { ...costs, losses: first.map(({ loss }) => loss), gradientNorms: first.map(({ norm }) => norm) };
}

/** Adapters' A as the peer starts it: no random numbers are shared. */
function startAdapters({ memory }: Trainer, dModel: number): void {
  for (const [name, values] of memory) {
    if (!name.endsWith('lora_A.weight')) continue;
    for (let i = 0; i < values.length; i++) values[i] = (((i * 7919) % 1013) / 1013 - 0.5) / Math.sqrt(dModel);
  }
}
