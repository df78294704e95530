/** The outputs of a finetuned model at a training loss, made once a store, and what gives them away. */
import { ADAMW_DEFAULTS, AssayError, type JsonObject, MUON_DEFAULTS, type RunContext } from 'assay';
import { type Example, fingerprint, type Memory, rngOf } from 'assay/learn';
import type { PersonaConfig } from 'assay/studies/misalignment/config.ts';
import { personaStep } from 'assay/studies/misalignment/recipe.ts';
import { PERSONA_LANGUAGE } from 'assay/studies/misalignment/world.ts';

import { type Pretraining, type PretrainingConfig, type Side, type Task } from './config.ts';
import type { PretrainingLab } from './lab.ts';

/** Added to the block's number for the second order of the data. */
const AGAIN = 1000;
const { questionsPerDomain } = PERSONA_LANGUAGE;

/** A finetuning of a base. */
export interface Finetuned {
  readonly pretrainedBy: Pretraining;
  readonly base: number;
  readonly side: Side;
}

/** Raised with the recipe's version where bases, finetuning or reading have other bits: a store may hold outputs of the version before. */
const SEMANTICS = 3;

/** What a fingerprint needs from its run: bases, labs, and steps that are made once a store. */
export interface Bench {
  readonly context: Pick<RunContext, 'shared' | 'signal'>;
  readonly config: PretrainingConfig;
  lab(config: PretrainingConfig): Promise<PretrainingLab>;
  base(pretrainedBy: Pretraining, base: number): Promise<Memory>;
}

/** The config of a finetuning that is compared: AdamW's, Muon's, or AdamW's in another order. */
export function finetuningOf({ persona, rates }: PretrainingConfig, side: Side): PersonaConfig {
  const seeds = { ...persona.seeds, data: persona.seeds.data + (side === 'again' ? AGAIN : 0) };
  return side === 'muon'
    ? { ...persona, seeds, optimizer: MUON_DEFAULTS, learningRate: rates.muon }
    : { ...persona, seeds, optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 }, learningRate: rates.adamw };
}

/** The finetunings a fingerprint looks at, each with its label; a base is a fold, but where bases are to be guessed. */
export function comparedBy(of: Extract<Task, { kind: 'fingerprint' }>['of'], bases: number) {
  const pairs: readonly Omit<Finetuned, 'base'>[] =
    of === 'pretraining'
      ? [
          { pretrainedBy: 'adamw', side: 'adamw' },
          { pretrainedBy: 'muon', side: 'adamw' },
        ]
      : [
          { pretrainedBy: 'adamw', side: 'adamw' },
          { pretrainedBy: 'adamw', side: of === 'order' ? 'again' : 'muon' },
        ];
  return Array.from({ length: bases }, (_, base) =>
    pairs.map((pair) => {
      const arm = `${pair.pretrainedBy} ${pair.side}`;
      const [label, fold] = of === 'seed' ? [`${base}`, arm] : [arm, `${base}`];
      return { finetuned: { ...pair, base }, label, fold };
    }),
  ).flat();
}

/** The share of right guesses on one base's finetunings, over classifiers of each other domain's answers, and what chance gives. */
export async function guessedRight(
  bench: Bench,
  own: number,
): Promise<{ readonly accuracy: number; readonly chance: number }> {
  const { config } = bench;
  if (config.task.kind !== 'fingerprint') throw new AssayError('config', 'expected a fingerprint');
  const compared = comparedBy(config.task.of, config.bases);
  const outputs: Float64Array[] = [];
  for (const { finetuned } of compared) outputs.push(await outputsOf(bench, finetuned));
  const domains = Math.floor((outputs[0]?.length ?? 0) / questionsPerDomain);
  let [right, guessed, chance] = [0, 0, 0];
  for (let domain = 0; domain < domains; domain++) {
    const [from, to] = [domain * questionsPerDomain, (domain + 1) * questionsPerDomain];
    const examples = compared.map(({ label, fold }, i): Example => ({
      label,
      fold,
      features: outputs[i]?.subarray(from, to) ?? [],
    }));
    const found = fingerprint(examples);
    chance += found.chance / domains;
    found.guesses.forEach(({ label, guess }, i) => {
      if (compared[i]?.finetuned.base !== own) return;
      guessed++;
      right += Number(label === guess);
    });
  }
  return { accuracy: right / guessed, chance };
}

/** Log-odds on every other question where the finetuning passes the training loss `readAt`, made once a store. */
async function outputsOf(bench: Bench, finetuned: Finetuned): Promise<Float64Array> {
  const { config, context } = bench;
  const { persona, readAt } = config;
  const tuning = finetuningOf(config, finetuned.side);
  const domain = persona.domain.kind === 'fixed' ? persona.domain.index : 0;
  const key = { ...finetuned, tuning: trainedBy(tuning), readAt, semantics: SEMANTICS };
  const bytes = await context.shared('outputs of a finetuned persona', key, async () => {
    const values = await tuned(bench, finetuned, tuning, domain);
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  });
  return new Float64Array(Uint8Array.from(bytes).buffer);
}

/** All settings of a finetuning but those of how an ordinary run is probed and ended: two that differ in one share no outputs. */
function trainedBy({ measure: _measure, stopBelow: _stop, probeEvery: _every, ...told }: PersonaConfig): JsonObject {
  const { base, bases, method, reading, optimizer, domain, schedule, seeds } = told;
  return {
    ...told,
    base: { ...base },
    bases: { ...bases },
    method: { ...method },
    reading: { ...reading },
    optimizer: { ...optimizer },
    domain: { ...domain },
    schedule: { ...schedule },
    seeds: { ...seeds },
  };
}

async function tuned(
  bench: Bench,
  { pretrainedBy, base }: Finetuned,
  tuning: PersonaConfig,
  index: number,
): Promise<Float64Array> {
  const { config, context } = bench;
  const lab = await bench.lab({ ...config, persona: tuning });
  const { world } = lab;
  const { trainer } = lab.persona;
  trainer.reset(await bench.base(pretrainedBy, base), rngOf(base + tuning.seeds.init, 'finetune init'));
  const domain = lab.persona.domain(world, index);
  const data = rngOf(base + tuning.seeds.data, 'finetune data');
  let before = { train: (await domain.axes()).train, outputs: await lab.logOdds() };
  if (before.train < config.readAt) {
    throw new AssayError(
      'run',
      `A finetuning for a fingerprint begins at training loss ${before.train}, below readAt ${config.readAt}. Lower readAt.`,
    );
  }
  for (let step = 0; step < tuning.steps; step++) {
    context.signal.throwIfAborted();
    const broken = await personaStep(step, { config: tuning, lab: lab.persona, world, domain, data });
    if (broken !== undefined)
      throw new AssayError('run', `A finetuning for a fingerprint broke at step ${step}: ${broken}.`);
    const now = { train: (await domain.axes()).train, outputs: await lab.logOdds() };
    if (now.train <= config.readAt) {
      const share = (before.train - config.readAt) / (before.train - now.train);
      return before.outputs.map((value, i) => value + share * ((now.outputs[i] ?? Number.NaN) - value));
    }
    before = now;
  }
  throw new AssayError(
    'run',
    `A finetuning for a fingerprint does not reach training loss ${config.readAt} in ${tuning.steps} steps. Raise rates or steps.`,
  );
}
