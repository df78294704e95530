/**
 * What a full training step of one model costs (bench/step-costs.ts), in a process of its own; one JSON line on stdout.
 *   node bench/lm-step.ts MODEL [--threads N] [--seconds S], or --gpt WIDTH,LAYERS,HEADS,LENGTH,ROWS,VOCABULARY for MODEL
 * The models are those of bench/peers/speed.py, weights random and batches fixed, three warm-up steps. Finetuning of the persona base
 * (bench/persona-step.ts) is what its recipe does: the shipped base, and other questions every step.
 */
import { parseArgs } from 'node:util';

import { rngOf } from '#base/rng.ts';
import type { Method } from '#learning/method.ts';
import { gpt2Config, type TransformerConfig } from '#learning/models/config.ts';
import { initialWeights } from '#learning/models/parameters.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import type { OptimizerConfig } from '#learning/optim/optimizer-config.ts';
import { createTrainer } from '#learning/train.ts';
import { PERSONA_BASE, personaModel, pretrainingLayout } from '../studies/misalignment/base.ts';
import { personaWorld, pretrainBatch } from '../studies/misalignment/world.ts';

import { isPersonaStep, personaStepCosts } from './persona-step.ts';
import { SMOLLM2_135M } from './real-shapes.ts';
import { type StepCosts, stepCosts } from './step-costs.ts';

const LR = 1e-3;

interface Subject {
  readonly model: TransformerConfig;
  readonly method: Method;
  readonly optimizer: OptimizerConfig;
  readonly rows: number;
  readonly length: number;
  readonly labelled?: Int32Array;
  readonly endsAtAsked?: boolean;
}

const FULL = { method: { kind: 'full' }, optimizer: ADAMW_DEFAULTS } as const;
const LORA: Method = { kind: 'lora', rank: 8, alpha: 16, scaling: 'alphaOverRank', modules: 'all' };

const documents = pretrainBatch(personaWorld(0), rngOf(0), 64, false);

/** A GPT of any shape, such as `256,4,8,128,16,4096`: width, layers, heads, length, rows, vocabulary. */
function gptOf(text: string): Subject {
  const [dModel = 0, nLayers = 0, nHeads = 0, length = 0, rows = 0, vocabulary = 0] = text.split(',').map(Number);
  return { model: gpt2Config({ vocabulary, dModel, nLayers, nHeads, length }), ...FULL, rows, length };
}

const SUBJECTS: Readonly<Record<string, Subject>> = {
  gpt256: gptOf('256,4,8,128,16,4096'),
  'smollm-lora': { model: SMOLLM2_135M, method: LORA, optimizer: ADAMW_DEFAULTS, rows: 2, length: 256 },
  'persona-pretrain': { model: personaModel(PERSONA_BASE), ...FULL, ...pretrainingLayout(documents, 'asked') },
  'persona-pretrain-shipped': { model: personaModel(PERSONA_BASE), ...FULL, ...pretrainingLayout(documents, 'whole') },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '20' },
    gpt: { type: 'string' },
  },
});
const name = positionals[0] ?? '';
const [threads, seconds] = [Number(values.threads), Number(values.seconds)];
const costs = isPersonaStep(name) ? await personaStepCosts(name, threads, seconds) : await costsOf(subjectOf(name));
console.log(JSON.stringify({ model: name, threads, ...costs }));

function subjectOf(name: string): Subject {
  const subject = values.gpt === undefined ? SUBJECTS[name] : gptOf(values.gpt);
  if (subject === undefined) throw new Error(`Expected one of ${Object.keys(SUBJECTS).join(', ')}, found "${name}".`);
  return subject;
}

async function costsOf({ model, method, optimizer, ...batch }: Subject): Promise<StepCosts> {
  await using trainer = await createTrainer({ model, method, optimizer, batch, threads });
  trainer.reset(initialWeights(model, rngOf(0)), rngOf(0, 'adapter'));
  const count = batch.labelled?.length ?? batch.rows * batch.length;
  const rng = rngOf(0, 'tokens');
  const fixed = {
    tokens: Int32Array.from({ length: batch.rows * batch.length }, () => rng.below(model.vocabulary)),
    labels: Int32Array.from({ length: count }, () => rng.below(model.vocabulary)),
    weights: new Float32Array(count).fill(1 / count),
  };
  const step = async (): Promise<void> => {
    await trainer.forwardBackward(fixed);
    trainer.optimStep(LR);
  };
  return await stepCosts(step, { seconds }); // Before the trainer goes.
}
