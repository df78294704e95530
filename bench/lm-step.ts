/**
 * What a full training step of one model costs (bench/step-costs.ts), in a process of its own; one JSON line on stdout.
 *   node bench/lm-step.ts MODEL [--threads N] [--seconds S], or --gpt WIDTH,LAYERS,HEADS,LENGTH,ROWS,VOCABULARY for MODEL
 * The models are those of bench/peers/speed.py, weights random and batches fixed, three warm-up steps.
 */
import { parseArgs } from 'node:util';

import { rngOf } from '#base/rng.ts';
import type { Method } from '#learning/method.ts';
import { gpt2Config, type TransformerConfig } from '#learning/models/config.ts';
import { initialWeights } from '#learning/models/parameters.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import { MUON_DEFAULTS } from '#learning/optim/muon.ts';
import type { OptimizerConfig } from '#learning/optim/optimizer-config.ts';
import { createTrainer } from '#learning/train.ts';
import { labelledPositions, PERSONA_BASE, personaModel } from '../studies/misalignment/base.ts';
import { personaWorld, pretrainBatch, questionBatch } from '../studies/misalignment/world.ts';

import { SMOLLM2_135M } from './real-shapes.ts';
import { stepCosts } from './step-costs.ts';

const LR = 1e-3;

interface Subject {
  readonly model: TransformerConfig;
  readonly method: Method;
  readonly optimizer: OptimizerConfig;
  readonly rows: number;
  readonly length: number;
  readonly labelled?: Int32Array;
}

const FULL = { method: { kind: 'full' }, optimizer: ADAMW_DEFAULTS } as const;
const lora = (rank: number, modules: 'all' | readonly string[] = 'all'): Method => ({
  kind: 'lora',
  rank,
  alpha: 16,
  scaling: 'alphaOverRank',
  modules,
});

const persona = personaModel(PERSONA_BASE);
const world = personaWorld(0);
const documents = pretrainBatch(world, rngOf(0), 64, false);
const questions = questionBatch(
  world,
  Int32Array.from({ length: 16 }, (_, i) => i),
  'harmful',
);
const pretraining = { rows: documents.rows, length: documents.length, labelled: labelledPositions(documents) };
const finetuning = { rows: questions.rows, length: questions.length, labelled: labelledPositions(questions) };

/** A GPT of any shape, such as `256,4,8,128,16,4096`: width, layers, heads, length, rows, vocabulary. */
function gptOf(text: string): Subject {
  const [dModel = 0, nLayers = 0, nHeads = 0, length = 0, rows = 0, vocabulary = 0] = text.split(',').map(Number);
  return { model: gpt2Config({ vocabulary, dModel, nLayers, nHeads, length }), ...FULL, rows, length };
}

const SUBJECTS: Readonly<Record<string, Subject>> = {
  gpt256: gptOf('256,4,8,128,16,4096'),
  'smollm-lora': { model: SMOLLM2_135M, method: lora(8), optimizer: ADAMW_DEFAULTS, rows: 2, length: 256 },
  'persona-pretrain': { model: persona, ...FULL, ...pretraining },
  'persona-finetune': { model: persona, ...FULL, ...finetuning },
  'persona-lora': { model: persona, method: lora(4), optimizer: ADAMW_DEFAULTS, ...finetuning },
  'persona-muon': { model: persona, method: { kind: 'matrices' }, optimizer: MUON_DEFAULTS, ...finetuning },
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
const subject = values.gpt === undefined ? SUBJECTS[name] : gptOf(values.gpt);
if (subject === undefined) throw new Error(`Expected one of ${Object.keys(SUBJECTS).join(', ')}, found "${name}".`);

const { model, method, optimizer, ...batch } = subject;
const threads = Number(values.threads);
await using trainer = await createTrainer({ model, method, optimizer, batch, threads });
trainer.reset(initialWeights(model, rngOf(0)), rngOf(0, 'adapter'));
const count = batch.labelled?.length ?? batch.rows * batch.length;
const rng = rngOf(0, 'tokens');
const fixed = {
  tokens: Int32Array.from({ length: batch.rows * batch.length }, () => rng.below(model.vocabulary)),
  labels: Int32Array.from({ length: count }, () => rng.below(model.vocabulary)),
  weights: new Float32Array(count).fill(1 / count),
};

const costs = await stepCosts(
  async () => {
    await trainer.forwardBackward(fixed);
    trainer.optimStep(LR);
  },
  { seconds: Number(values.seconds) },
);
console.log(JSON.stringify({ model: name, threads, ...costs }));
