/**
 * LoRA adapters in the form PEFT reads and writes: `adapter_config.json` and `adapter_model.safetensors`.
 * Invariant: an adapter read here means in PEFT what it means here, W + scale B A with scale = alpha/r (rsLoRA:
 * alpha/sqrt r); an option that would change that, and one that is not known, is refused by name.
 * Source: https://huggingface.co/docs/peft, `LoraConfig`; LoRA: arXiv:2106.09685, rsLoRA: arXiv:2312.03732.
 */
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { AssayError, messageOf } from '#base/errors.ts';
import type { JsonObject } from '#base/json.ts';
import { makeFolder } from '#base/make-folder.ts';
import type { LoraFactors } from '#learning/lora.ts';
import type { TransformerConfig } from '#learning/models/config.ts';

import { type Fields, fieldsOf } from '#learning/files/fields.ts';
import { modelFolder } from './model-folder.ts';
import { isStack, type StackedFactors, stackTargets, unstacked } from './peft-stacks.ts';
import type { TensorToWrite } from '#learning/files/tensors/safetensors-write.ts';
import { writeSafetensors } from '#learning/files/tensors/safetensors-write.ts';
import type { SafetensorsFile } from '#learning/files/tensors/safetensors.ts';
import { openSafetensors } from '#learning/files/tensors/safetensors.ts';
import { finite } from '#learning/files/tensors/tensor-source.ts';

/** A LoRA adapter of one rank. */
export interface LoraAdapter {
  /** Name or path of the model it belongs to. */
  readonly baseModel: string;
  readonly rank: number;
  readonly alpha: number;
  /** Scale alpha/sqrt(r) instead of alpha/r. */
  readonly useRsLora: boolean;
  /** Whether the base keeps its weights as [dIn, dOut], as GPT-2 does. */
  readonly isBaseTransposed: boolean;
  /** Whether it was stored as factors of stacked experts, in which gate and up share one: another adapter where it is trained on. */
  readonly isStacked?: boolean;
  /** Factors by the adapted module's name in the base model, such as `model.layers.3.self_attn.q_proj`. */
  readonly modules: ReadonlyMap<string, LoraFactors>;
}

/** What B A is multiplied with before it is added to the weight. */
export function loraScale(adapter: Pick<LoraAdapter, 'rank' | 'alpha' | 'useRsLora'>): number {
  return adapter.alpha / (adapter.useRsLora ? Math.sqrt(adapter.rank) : adapter.rank);
}

const CONFIG_FILE = 'adapter_config.json';
const WEIGHTS_FILE = 'adapter_model.safetensors';
const PREFIX = 'base_model.model.';

/**
 * Writes an adapter into a folder, which is made if needed; the same adapter gives the same bytes.
 * @throws AssayError when factors do not fit the rank, or the folder cannot be written.
 */
export async function writePeftAdapter(path: string, adapter: LoraAdapter): Promise<void> {
  const tensors = [...adapter.modules].flatMap(([name, factors]) => factorTensors(name, factors, adapter.rank));
  if (tensors.length === 0) throw new AssayError('data', 'Expected an adapter of at least one module, found none.');
  const config = `${JSON.stringify(configOf(adapter), null, 2)}\n`;
  try {
    makeFolder(path);
    await writeFile(join(path, `${CONFIG_FILE}.partial`), config);
    await rename(join(path, `${CONFIG_FILE}.partial`), join(path, CONFIG_FILE));
  } catch (thrown) {
    throw new AssayError('file', `Could not write the adapter to ${path}: ${messageOf(thrown)}`, { cause: thrown });
  }
  await writeSafetensors(join(path, WEIGHTS_FILE), tensors, { format: 'pt' });
}

function factorTensors(name: string, factors: LoraFactors, rank: number): TensorToWrite[] {
  const { a, b, dIn, dOut } = factors;
  if (a.length !== rank * dIn || b.length !== dOut * rank) {
    const expected = `A of [${rank}, ${dIn}] and B of [${dOut}, ${rank}]`;
    throw new AssayError('shape', `${name}: expected ${expected}, found ${a.length} and ${b.length} numbers.`);
  }
  return [
    { name: `${PREFIX}${name}.lora_A.weight`, dtype: 'F32', shape: [rank, dIn], values: a },
    { name: `${PREFIX}${name}.lora_B.weight`, dtype: 'F32', shape: [dOut, rank], values: b },
  ];
}

/** The config PEFT needs to rebuild the adapter; keys in PEFT's order, its defaults left out. */
function configOf(adapter: LoraAdapter): JsonObject {
  return {
    base_model_name_or_path: adapter.baseModel,
    bias: 'none',
    fan_in_fan_out: adapter.isBaseTransposed,
    inference_mode: true,
    lora_alpha: adapter.alpha,
    lora_dropout: 0,
    peft_type: 'LORA',
    r: adapter.rank,
    ...targets([...adapter.modules.keys()]),
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: adapter.useRsLora,
  };
}

/**
 * Which modules PEFT shall adapt. When the same modules are adapted in each of some layers, their short names and the
 * layers say it (the form other tools know); else the full names do.
 */
function targets(names: readonly string[]): JsonObject {
  const parsed = names.map((name) => /^(?:.+\.)?(?:layers|h)\.(\d+)\.(?:.+\.)?([^.]+)$/.exec(name));
  const layers = [...new Set(parsed.map((match) => Number(match?.[1] ?? Number.NaN)))].toSorted((a, b) => a - b);
  const short = [...new Set(parsed.map((match) => match?.[2] ?? ''))].toSorted();
  const isGrid = parsed.every((match) => match !== null) && layers.length * short.length === names.length;
  // `c_proj` is both the attention's and the MLP's in GPT-2: the short name would adapt both
  // and where a model sees images too, short names are also those of what sees
  const isPlain = isGrid && !short.includes('c_proj') && !names.some((name) => name.includes('.language_model.'));
  if (isPlain) return { layers_to_transform: layers, target_modules: short };
  return { target_modules: names.toSorted() };
}

/** Options that must be absent, empty or off, since they change what an adapter computes. */
const MUST_BE_OFF = [
  'use_dora',
  'lora_bias',
  'modules_to_save',
  'layer_replication',
  'trainable_token_indices',
  'alora_invocation_tokens',
  'megatron_config',
  'use_qalora',
  'use_bdlora',
  'arrow_config',
  'kasa_config',
  'monteclora_config',
  'velora_config',
  'ensure_weight_tying',
];

/** Options that change nothing of a trained adapter on a model of its kind, whatever they say. */
const IDLE: ReadonlySet<string> = new Set([
  // names and versions
  'auto_mapping',
  'peft_version',
  'revision',
  'task_type',
  // how it is trained, and how it started; `init_lora_weights` says whether the start moved the base
  'corda_config',
  'eva_config',
  'inference_mode',
  'loftq_config',
  'lora_dropout',
  'lora_ga_config',
  'runtime_config',
  // of options that must be off
  'megatron_core',
  'qalora_group_size',
]);

/** Starts that leave the base model as it is; others, such as PiSSA, move what the adapter is added to. */
const PLAIN_STARTS: ReadonlySet<unknown> = new Set([undefined, true, false, 'gaussian', 'eva', 'orthogonal', 'mica']);

/**
 * Reads an adapter that PEFT (or Assay) wrote.
 * @param model Its base: needed for factors of stacked experts, which are read as one pair a matrix.
 * @throws AssayError naming what is missing, wrong or not supported.
 */
export async function readPeftAdapter(path: string, model?: TransformerConfig): Promise<LoraAdapter> {
  const folder = await modelFolder(path, 'adapter');
  const config = await folder.json(CONFIG_FILE);
  const weights = await folder.find(WEIGHTS_FILE);
  if (config === undefined || weights === undefined) {
    throw new AssayError('file', `${path}: expected ${CONFIG_FILE} and ${WEIGHTS_FILE}.`);
  }
  const fields = fieldsOf(new Map(Object.entries(config)), join(path, CONFIG_FILE));
  const rank = fields.size('r');
  const [alpha, baseModel] = [fields.value('lora_alpha'), fields.value('base_model_name_or_path')];
  if (typeof alpha !== 'number' || !Number.isFinite(alpha)) throw fields.error('lora_alpha', 'a number');
  const [useRsLora, isBaseTransposed] = [fields.flag('use_rslora', false), fields.flag('fan_in_fan_out', false)];
  refuseOptions(fields);
  const targets = stackTargets(fields, rank, alpha, useRsLora);
  await using file = await openSafetensors(weights);
  const { modules, stacks } = await readFactors(file, rank);
  refuseUntargeted(fields, [...modules.keys()]);
  if (model === undefined && stacks.length > 0) {
    throw fields.error('target_parameters', 'off (factors of stacked experts are read with their model)');
  }
  const apart = model === undefined ? [] : unstacked(stacks, targets, model);
  fields.refuseRest((name) => IDLE.has(name));
  return {
    baseModel: typeof baseModel === 'string' ? baseModel : '',
    rank,
    alpha,
    useRsLora,
    isBaseTransposed,
    ...(stacks.length === 0 ? {} : { isStacked: true }),
    modules: new Map([...modules, ...apart]),
  };
}

function refuseOptions(fields: Fields): void {
  if (fields.value('peft_type') !== 'LORA') throw fields.error('peft_type', '"LORA"');
  fields.only('bias', ['none']);
  for (const option of MUST_BE_OFF) {
    if (!isOff(fields.value(option))) throw fields.error(option, 'off (it is not supported)');
  }
  if (!PLAIN_STARTS.has(fields.value('init_lora_weights'))) {
    throw fields.error('init_lora_weights', 'one that leaves the base model as it is');
  }
}

function isOff(value: unknown): boolean {
  if (value === undefined || value === false) return true;
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/**
 * Refuses factors of a module that PEFT would not adapt, and so would not load. Modules that a regular expression
 * chooses are taken from the factors alone.
 */
function refuseUntargeted(fields: Fields, modules: readonly string[]): void {
  const [targets, excluded] = [fields.value('target_modules'), fields.value('exclude_modules')];
  const [layers, pattern] = [fields.value('layers_to_transform'), fields.value('layers_pattern')];
  const hasLayers = typeof layers === 'number' || !isOff(layers);
  const isNamed = (names: unknown, module: string): boolean =>
    Array.isArray(names) && names.some((name) => module === name || module.endsWith(`.${String(name)}`));
  const isChosenLayer = (module: string): boolean => {
    if (!hasLayers || !isOff(pattern)) return true;
    const layer = Number(/\.(?:layers|h)\.(\d+)\./.exec(module)?.[1] ?? Number.NaN);
    return Array.isArray(layers) ? layers.includes(layer) : layers === layer;
  };
  for (const module of modules) {
    const isTargeted = !Array.isArray(targets) || isNamed(targets, module);
    if (isTargeted && !isNamed(excluded, module) && isChosenLayer(module)) continue;
    const found = `factors of ${module.slice(0, 200)}, which they leave out`;
    throw new AssayError(
      'file',
      `${fields.where}: expected target_modules, exclude_modules and layers_to_transform to choose what is stored, found ${found}.`,
    );
  }
}

/** All pairs of factors, by module, and those of stacked experts. */
interface StoredFactors {
  readonly modules: ReadonlyMap<string, LoraFactors>;
  readonly stacks: readonly StackedFactors[];
}

async function readFactors(file: SafetensorsFile, rank: number): Promise<StoredFactors> {
  const modules = new Map<string, LoraFactors>();
  const stacks: StackedFactors[] = [];
  for (const [name, info] of file.tensors) {
    const [, module, factor] = /^base_model\.model\.(.+)\.lora_([AB])\.weight$/.exec(name) ?? [];
    if (module === undefined) {
      const expected = `names like ${PREFIX}<module>.lora_A.weight`;
      throw new AssayError('file', `${file.path}: expected ${expected}, found ${name.slice(0, 200)}.`);
    }
    if (factor === 'B') continue; // read together with its A
    const partner = file.tensors.get(`${PREFIX}${module}.lora_B.weight`);
    const [rankOfA, dIn = 0] = info.shape;
    const [dOut = 0, rankOfB] = partner?.shape ?? [];
    const expectedRank = isStack(module) ? rankOfA : rank; // of a stack it is looked at with the number of experts
    if (partner === undefined || info.shape.length !== 2 || rankOfA !== expectedRank || rankOfB !== expectedRank) {
      const found = `[${info.shape.join(', ')}] and [${partner?.shape.join(', ') ?? 'none'}]`;
      throw new AssayError(
        'file',
        `${file.path}: ${module}: expected factors [${rank}, dIn] and [dOut, ${rank}], found ${found}.`,
      );
    }
    const read = async (tensor: string): Promise<Float32Array> =>
      finite(await file.read(tensor), `${file.path}: tensor ${tensor}`);
    const factors = { dIn, dOut, a: await read(name), b: await read(partner.name) };
    if (isStack(module)) stacks.push({ ...factors, module });
    else modules.set(module, factors);
  }
  const count = modules.size + stacks.length;
  if (count > 0 && count * 2 === file.tensors.size) return { modules, stacks };
  throw new AssayError(
    'file',
    `${file.path}: expected pairs of lora_A and lora_B, found ${file.tensors.size} tensors.`,
  );
}
