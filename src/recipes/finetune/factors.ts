/**
 * The factors of a finetuning study in their short form: `{ method: ['lora-1', 'full'], optimizer: ['adamw', 'muon'],
 * batch: [4, 16] }`. A level is a name (of the study's own levels, or one known here), a value of a config path, or a
 * level written out, `{ name, set, label?, learningRates? }`.
 */
import { type ConfigReader, configReader } from '#base/config-reader.ts';
import { AssayError, nearestName } from '#base/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '#base/json.ts';
import { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
import { LION_DEFAULTS } from '#learning/optim/lion.ts';
import { MUON_DEFAULTS } from '#learning/optim/muon.ts';
import { SGD_DEFAULTS } from '#learning/optim/sgd.ts';
import { SHAMPOO_DEFAULTS } from '#learning/optim/shampoo.ts';
import { SIGN_DEFAULTS } from '#learning/optim/sign.ts';
import { SOAP_DEFAULTS } from '#learning/optim/soap.ts';
import type { Factor, FactorLevel } from '#study/factors.ts';
import { pathsOf, presentName } from '#study/settings.ts';

import { FINETUNE_DEFAULTS, FORMER_PATHS } from './config.ts';

/** Levels by factor. */
export type FactorChoices = Readonly<Record<string, Json>>;

const METHODS: Readonly<Record<string, FactorLevel>> = {
  full: { name: 'full', label: 'all parameters', set: { method: { kind: 'full' } } },
  matrices: { name: 'matrices', label: 'weight matrices only', set: { method: { kind: 'matrices' } } },
};

const LORA = /^lora-([1-9]\d{0,4})$/;

/** Muon's update is scaled to the size of AdamW's, so that both sweep the same rates. */
const OPTIMIZERS: Readonly<Record<string, FactorLevel>> = {
  adamw: { name: 'adamw', label: 'AdamW', set: { optimizer: { ...ADAMW_DEFAULTS, weightDecay: 0 } } },
  muon: {
    name: 'muon',
    label: 'Muon',
    set: { optimizer: { ...MUON_DEFAULTS, scale: 'rmsMatched', adamw: { ...MUON_DEFAULTS.adamw, lrScale: 1 } } },
  },
  sgd: { name: 'sgd', label: 'SGD', set: { optimizer: SGD_DEFAULTS } },
  lion: { name: 'lion', label: 'Lion', set: { optimizer: LION_DEFAULTS } },
  sign: { name: 'sign', label: 'sign descent', set: { optimizer: { ...SIGN_DEFAULTS, momentum: 0.9 } } },
  shampoo: { name: 'shampoo', label: 'Shampoo', set: { optimizer: SHAMPOO_DEFAULTS } },
  soap: { name: 'soap', label: 'SOAP', set: { optimizer: SOAP_DEFAULTS } },
};

/**
 * Rates to pilot. LoRA's are about ten times full finetuning's (Schulman et al. 2025, "LoRA Without Regret"); Lion's a
 * tenth of AdamW's (Chen et al. 2023, arXiv:2302.06675, Section 5), and sign descent's are Lion's; Shampoo's is an update's
 * spectral norm, larger by about the root of the width; SGD's depend on the gradients' size, so they go wide.
 */
const LEARNING_RATES = {
  adaptive: { lora: [1e-4, 3e-4, 1e-3], full: [1e-5, 3e-5, 1e-4] },
  lion: { lora: [1e-5, 3e-5, 1e-4], full: [1e-6, 3e-6, 1e-5] },
  sign: { lora: [1e-5, 3e-5, 1e-4], full: [1e-6, 3e-6, 1e-5] },
  shampoo: { lora: [1e-3, 3e-3, 1e-2], full: [1e-4, 3e-4, 1e-3] },
  sgd: { lora: [1e-2, 1e-1, 1], full: [1e-3, 1e-2, 1e-1] },
} as const;

/** The factor over the learning rate itself: each level is an arm at that one rate, without pilots. */
const LEARNING_RATE = 'learningRate';

/** Config paths that are no factors, and why. */
const NO_FACTORS: readonly (readonly [RegExp, string])[] = [
  [/^seeds(\.|$)/, 'the blocks vary the seeds, and every study repeats its reference under other seeds'],
  [/\.kind$/, 'a kind without its other settings says nothing; give whole ones, as factors.method does'],
  [/^(evals|replies|measure|probe|save)(\.|$)/, 'it changes what is measured or kept, not what is trained'],
  [/^threads$/, 'it changes how long a run takes, and no more than last bits'],
];

/** LoRA on all linear layers; alpha / rank is the same at every rank, so that rank alone differs. */
export function loraMethod(rank: number): JsonObject {
  return { kind: 'lora', rank, alpha: 2 * rank, scaling: 'alphaOverRank', modules: 'all' };
}

/** The rates an arm pilots where nobody names others. @param set The arm's settings over the study's. */
export function usualRates(set: JsonObject): readonly number[] {
  const kindAt = (path: 'method' | 'optimizer'): Json | undefined => {
    const value = set[path];
    return (isJsonObject(value) ? value['kind'] : undefined) ?? FINETUNE_DEFAULTS[path].kind;
  };
  const optimizer = kindAt('optimizer');
  const byMethod = LEARNING_RATES[hasOwnRates(optimizer) ? optimizer : 'adaptive'];
  return byMethod[kindAt('method') === 'lora' ? 'lora' : 'full'];
}

function hasOwnRates(optimizer: Json | undefined): optimizer is keyof typeof LEARNING_RATES {
  return typeof optimizer === 'string' && optimizer in LEARNING_RATES;
}

/**
 * A study's own factors with the chosen levels, then the factors that only the choice names, in its order; the learning
 * rate comes last, so that its rates win.
 * @throws AssayError on an unknown factor or level, with the nearest known and all of them.
 */
export function chosenFactors(own: readonly Factor[], choices: FactorChoices): Factor[] {
  const ownNames = own.map(({ name }) => name);
  const kept = own.map((factor) => {
    const levels = choices[factor.name];
    return levels === undefined ? factor : factorOf(factor.name, levels, factor.levels);
  });
  const more = Object.entries(choices).filter(([name]) => !ownNames.includes(name));
  for (const [name, levels] of more) if (!isWrittenOut(levels)) checkPath(name, ownNames);
  const all = [...kept, ...more.map(([name, levels]) => factorOf(name, levels, []))];
  return [...all.filter(({ name }) => name !== LEARNING_RATE), ...all.filter(({ name }) => name === LEARNING_RATE)];
}

/** Levels that say all of themselves need no factor or path to belong to. */
function isWrittenOut(levels: Json): boolean {
  return Array.isArray(levels) && levels.every((level) => isJsonObject(level) && level['name'] !== undefined);
}

function factorOf(name: string, given: Json, own: readonly FactorLevel[]): Factor {
  if (!Array.isArray(given) || given.length === 0) {
    throw refusal(`factors.${name}`, 'a list of levels', JSON.stringify(given));
  }
  const levels = given.map((level: Json, i) => levelOf(name, level, own, `factors.${name}[${i}]`));
  const twice = levels.find((level, i) => levels.findIndex((other) => other.name === level.name) !== i);
  if (twice !== undefined) throw refusal(`factors.${name}`, 'different levels', `"${twice.name}" more than once`);
  return { name, levels };
}

function checkPath(name: string, own: readonly string[]): void {
  const reason = NO_FACTORS.find(([pattern]) => pattern.test(name))?.[1];
  if (reason !== undefined) throw new AssayError('config', `factors.${name}: "${name}" is no factor: ${reason}.`);
  const paths = pathsOf(FINETUNE_DEFAULTS).filter((path) => !NO_FACTORS.some(([pattern]) => pattern.test(path)));
  if (paths.includes(name)) return;
  const present = presentName(FINETUNE_DEFAULTS, name, FORMER_PATHS);
  if (present !== undefined) throw new AssayError('config', `factors.${name}: "${name}" is called "${present}" now.`);
  const known = [...new Set([...own, ...paths])];
  throw refusal(
    `factors.${name}`,
    'a factor of the study or a config path',
    `"${name}"; the nearest known one is "${nearestName(name, known)}". Known: ${known.join(', ')}`,
  );
}

function levelOf(factor: string, level: Json, own: readonly FactorLevel[], where: string): FactorLevel {
  if (isJsonObject(level) && level['name'] !== undefined) return writtenLevel(configReader(level, where));
  const known = typeof level === 'string' ? namedLevel(factor, level, own) : undefined;
  if (known !== undefined) return known;
  if (factor === LEARNING_RATE) return rateLevel(level, where);
  const isPath = pathsOf(FINETUNE_DEFAULTS).includes(factor);
  const isNamed = (factor === 'method' || factor === 'optimizer') && !isJsonObject(level);
  if (!isPath || isNamed) throw unknownLevel(factor, level, own, where);
  return {
    name: `${factor}-${nameOf(level, where)}`,
    label: `${factor} ${nameOf(level, where)}`,
    set: { [factor]: level },
  };
}

function namedLevel(factor: string, name: string, own: readonly FactorLevel[]): FactorLevel | undefined {
  const level = own.find((one) => one.name === name);
  if (level !== undefined) return level;
  if (factor === 'optimizer') return Object.hasOwn(OPTIMIZERS, name) ? OPTIMIZERS[name] : undefined;
  if (factor !== 'method') return undefined;
  const rank = LORA.exec(name)?.[1];
  if (rank !== undefined) return { name, label: `LoRA, rank ${rank}`, set: { method: loraMethod(Number(rank)) } };
  return Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
}

function rateLevel(rate: Json, where: string): FactorLevel {
  if (typeof rate !== 'number' || !(rate > 0)) throw refusal(where, 'a positive learning rate', JSON.stringify(rate));
  return { name: `rate-${rate}`, label: `learning rate ${rate}`, set: {}, learningRates: [rate] };
}

function unknownLevel(factor: string, level: Json, own: readonly FactorLevel[], where: string): AssayError {
  const named = own.map(({ name }) => name).filter((name) => factor !== 'method' || !LORA.test(name));
  const general = { method: [...Object.keys(METHODS), 'lora-8'], optimizer: Object.keys(OPTIMIZERS) };
  const known = [...named, ...(factor === 'method' || factor === 'optimizer' ? general[factor] : [])];
  const listed = [...new Set(known)].map((name) => (name === 'lora-8' ? 'lora-N (any rank N)' : name));
  const found = typeof level === 'string' ? level : JSON.stringify(level);
  return refusal(
    where,
    `one of ${listed.join(', ')}, or a level written out as {"name", "set"}`,
    `${JSON.stringify(level)}; the nearest known one is "${nearestName(found, known)}"`,
  );
}

/** `{ name, set, label?, learningRates? }`. */
export function writtenLevel(reader: ConfigReader): FactorLevel {
  const set = reader.json('set');
  const level = {
    name: textAt(reader, 'name'),
    set: isJsonObject(set) ? set : reader.refuse('set', 'an object of config paths and values', JSON.stringify(set)),
    ...(reader.has('label') ? { label: textAt(reader, 'label') } : {}),
    ...(reader.has('learningRates') ? { learningRates: reader.numbers('learningRates') } : {}),
  };
  reader.done();
  return level;
}

/** Text that is not empty. @throws AssayError naming the path. */
export function textAt(reader: ConfigReader, name: string): string {
  const value = reader.json(name);
  return typeof value === 'string' && value !== '' ? value : reader.refuse(name, 'text', JSON.stringify(value));
}

/** What a value is called in an arm's name: itself, or its kind; empty text, which stands for nothing given, is "none". */
function nameOf(value: Json, where: string): string {
  if (value === '') return 'none';
  const kind = isJsonObject(value) ? value['kind'] : value;
  const text = typeof kind === 'string' ? kind : JSON.stringify(kind ?? null);
  const name = text.replaceAll(/[^\w.+-]+/g, '-').replaceAll(/^-|-$/g, '');
  if (kind !== undefined && name !== '') return name;
  throw refusal(
    where,
    'a value that can name its arm, or a level written out as {"name", "set"}',
    JSON.stringify(value),
  );
}

function refusal(where: string, expected: string, found: string): AssayError {
  return new AssayError('config', `${where}: expected ${expected}, found ${found}.`);
}
