/**
 * Reads folders that SAELens (or Assay) wrote: inference models, and checkpoints of training ones.
 * Invariant: an autoencoder read here computes what it computes in SAELens; a setting that would change that, an architecture or a
 * tensor that is not known, is refused by name. What only its training used (coefficients, warm-up) is not read.
 * Source: https://github.com/decoderesearch/SAELens 6.54, `SAE.load_from_disk`, and its rules for configs before 6.0.
 */
import { join } from 'node:path';

import { AssayError } from '#base/errors.ts';
import { type Fields, fieldsOf } from '#learning/files/fields.ts';
import { modelFolder } from '#learning/files/hugging-face/model-folder.ts';
import { openSafetensors, type SafetensorsFile } from '#learning/files/tensors/safetensors.ts';
import { finite } from '#learning/files/tensors/tensor-source.ts';
import { type SaeActivation, wholeSaeConfig } from '#learning/sae/sae-config.ts';
import type { Sae } from '#learning/sae/sae-trainer.ts';

import { CONFIG_FILE, MAPS_FILE, transposed, WEIGHTS_FILE } from './sae-lens-write.ts';

/** An autoencoder from files; maps between slots by name (`map2`, ...), each [D, D], where they stand beside it. */
export interface SaeFromFiles {
  readonly sae: Sae;
  /** The hook point that its rows were taken from, where the folder says it: a site for `modelActivations` and `lossRecovered`. */
  readonly hookName?: string;
  readonly maps: ReadonlyMap<string, Float32Array>;
}

/** The constants of training that an inference model does not say. */
const UNKNOWN_SPARSITY = 0;
const USUAL_BANDWIDTH = 0.05;

/** Settings that change nothing of a trained autoencoder, whatever they say: where it came from, how it was trained. */
const IDLE: ReadonlySet<string> = new Set([
  'metadata',
  'device',
  'decoder_init_norm',
  'use_sparse_activations',
  'aux_loss_coefficient',
  'topk_threshold_lr',
  'use_matryoshka_aux_loss',
  'l1_coefficient',
  'lp_norm',
  'l1_warm_up_steps',
  'l0_coefficient',
  'l0_warm_up_steps',
  'pre_act_loss_coefficient',
  'target_l0',
  'jumprelu_sparsity_loss_mode',
  'jumprelu_tanh_scale',
  'jumprelu_ste_to_input',
  // what configs before 6.0 say of their model and data
  'model_name',
  'hook_name',
  'hook_layer',
  'hook_head_index',
  'context_size',
  'prepend_bos',
  'dataset_path',
  'dataset_trust_remote_code',
  'model_from_pretrained_kwargs',
  'neuronpedia_id',
  'sae_lens_training_version',
  'sae_lens_version',
  'seqpos_slice',
]);

/** @throws AssayError naming what is missing, wrong or not supported. */
export async function readSaeLens(path: string): Promise<SaeFromFiles> {
  const folder = await modelFolder(path, 'autoencoder');
  const config = await folder.json(CONFIG_FILE);
  const [weights, maps] = [await folder.find(WEIGHTS_FILE), await folder.find(MAPS_FILE)];
  if (config === undefined || weights === undefined) {
    throw new AssayError('file', `${path}: expected ${CONFIG_FILE} and ${WEIGHTS_FILE}.`);
  }
  const fields = fieldsOf(new Map(Object.entries(config)), join(path, CONFIG_FILE));
  const described = describe(fields);
  const hookName = hookNameOf(fields);
  fields.refuseRest((name) => IDLE.has(name));
  await using file = await openSafetensors(weights);
  const sae = await saeOf(described, file);
  const read = { sae, maps: maps === undefined ? new Map<string, Float32Array>() : await allTensors(maps) };
  return hookName === undefined ? read : { ...read, hookName };
}

/** In the metadata; before 6.0 beside everything else. */
function hookNameOf(fields: Fields): string | undefined {
  const metadata = fields.value('metadata');
  const inside = typeof metadata === 'object' && metadata !== null ? new Map(Object.entries(metadata)) : new Map();
  const name: unknown = inside.get('hook_name') ?? fields.value('hook_name');
  return typeof name === 'string' ? name : undefined;
}

interface Described {
  readonly dIn: number;
  readonly dSae: number;
  readonly activation: SaeActivation;
  readonly prefixes: readonly number[] | undefined;
  readonly takesBiasOff: boolean;
  /** Codes are counted times their feature's length. */
  readonly rescales: boolean;
}

function describe(fields: Fields): Described {
  const [dIn, dSae] = [fields.size('d_in'), fields.size('d_sae')];
  fields.only('dtype', ['float32', 'torch.float32', 'float16', 'torch.float16', 'bfloat16', 'torch.bfloat16']);
  // Scaling that is not in the weights would have to be repeated on every row.
  fields.only('normalize_activations', ['none', false]);
  // The heads of hook_z are only laid side by side, which rows of activations already are.
  fields.only('reshape_activations', ['none', 'hook_z']);
  fields.only('finetuning_scaling_factor', [false]);
  const activation = activationOf(fields);
  return {
    dIn,
    dSae,
    activation,
    prefixes: prefixesOf(fields),
    takesBiasOff: fields.flag('apply_b_dec_to_input', true),
    rescales: fields.flag('rescale_acts_by_decoder_norm', false),
  };
}

function activationOf(fields: Fields): SaeActivation {
  const architecture = fields.value('architecture') ?? 'standard';
  const old = fields.value(fields.spelling('activation_fn', 'activation_fn_str'));
  const oldK = oldTopK(fields);
  switch (architecture === 'standard' && old === 'topk' ? 'topk' : architecture) {
    case 'standard':
      if (old !== undefined && old !== 'relu') throw fields.error('activation_fn', '"relu" or "topk"');
      return { kind: 'relu', l1: UNKNOWN_SPARSITY };
    case 'gated':
      return { kind: 'gated', l1: UNKNOWN_SPARSITY };
    case 'topk':
      return { kind: 'topK', k: oldK ?? fields.size('k') };
    case 'abstopk':
      return { kind: 'absTopK', k: fields.size('k') };
    case 'batchtopk':
    case 'matryoshka_batchtopk':
      return { kind: 'batchTopK', k: fields.positive('k') };
    case 'jumprelu': {
      const bandwidth = fields.positive('jumprelu_bandwidth', USUAL_BANDWIDTH);
      const threshold = fields.positive('jumprelu_init_threshold', USUAL_BANDWIDTH);
      return { kind: 'jumpRelu', l0: UNKNOWN_SPARSITY, bandwidth, threshold };
    }
    default:
      throw fields.error(
        'architecture',
        'one of standard, gated, topk, abstopk, batchtopk, matryoshka_batchtopk, jumprelu (others are not supported)',
      );
  }
}

/** Before 6.0: `activation_fn_kwargs: { k }`. */
function oldTopK(fields: Fields): number | undefined {
  const given = fields.value('activation_fn_kwargs');
  if (given === undefined) return undefined;
  const entries = typeof given === 'object' && given !== null ? Object.entries(given) : [];
  const [name, k] = entries[0] ?? [];
  if (entries.length === 0) return undefined;
  if (entries.length === 1 && name === 'k' && Number.isSafeInteger(k)) return Number(k);
  throw fields.error('activation_fn_kwargs', 'k alone');
}

function prefixesOf(fields: Fields): readonly number[] | undefined {
  const given = fields.value('matryoshka_widths');
  if (given === undefined) return undefined;
  if (!Array.isArray(given)) throw fields.error('matryoshka_widths', 'a list of widths');
  return given.map(Number);
}

async function saeOf(described: Described, file: SafetensorsFile): Promise<Sae> {
  const { dIn, dSae, activation, prefixes } = described;
  const tensors = await readExactly(file, shapesOf(described, file));
  const of = (name: string): Float32Array => tensors.get(name) ?? new Float32Array(0);
  const isGated = activation.kind === 'gated';
  const weights = new Map([
    ['wEnc', transposed(of('W_enc'), dIn, dSae)],
    ['wDec', of('W_dec')],
    ['bEnc', of(isGated ? 'b_gate' : 'b_enc')],
    ['bDec', of('b_dec')],
    ...(isGated
      ? ([
          ['rMag', of('r_mag')],
          ['bMag', of('b_mag')],
        ] as const)
      : []),
    ...(activation.kind === 'jumpRelu' ? ([['threshold', thresholdOf(tensors)]] as const) : []),
    ...(activation.kind === 'batchTopK' ? ([['readingThreshold', of('topk_threshold')]] as const) : []),
  ]);
  if (described.rescales) foldLengths(weights, dIn);
  if (!described.takesBiasOff) foldBias(weights, dIn);
  const config = wholeSaeConfig({
    dIn,
    dSae,
    activation,
    decoderNorm: 'free',
    ...(prefixes === undefined ? {} : { prefixes }),
  });
  return { config, weights };
}

/** Older checkpoints keep thresholds as logarithms. */
function thresholdOf(tensors: ReadonlyMap<string, Float32Array>): Float32Array {
  return tensors.get('threshold') ?? (tensors.get('log_threshold') ?? new Float32Array(0)).map(Math.exp);
}

function shapesOf({ dIn, dSae, activation }: Described, file: SafetensorsFile): ReadonlyMap<string, readonly number[]> {
  const isGated = activation.kind === 'gated';
  const threshold = file.tensors.has('log_threshold') ? 'log_threshold' : 'threshold';
  return new Map<string, readonly number[]>([
    ['W_enc', [dIn, dSae]],
    ['W_dec', [dSae, dIn]],
    ['b_dec', [dIn]],
    [isGated ? 'b_gate' : 'b_enc', [dSae]],
    ...(isGated
      ? ([
          ['r_mag', [dSae]],
          ['b_mag', [dSae]],
        ] as const)
      : []),
    ...(activation.kind === 'jumpRelu' ? ([[threshold, [dSae]]] as const) : []),
    ...(activation.kind === 'batchTopK' ? ([['topk_threshold', []]] as const) : []),
  ]);
}

/** The tensors of these names and shapes, and of no others. */
async function readExactly(
  file: SafetensorsFile,
  shapes: ReadonlyMap<string, readonly number[]>,
): Promise<ReadonlyMap<string, Float32Array>> {
  const unknown = [...file.tensors.keys()].find((name) => !shapes.has(name));
  if (unknown !== undefined) {
    const known = [...shapes.keys()].join(', ');
    throw new AssayError('file', `${file.path}: expected the tensors ${known}, found ${unknown.slice(0, 200)} too.`);
  }
  const read = new Map<string, Float32Array>();
  for (const [name, shape] of shapes) {
    const found = file.tensors.get(name)?.shape;
    if (found?.join() !== shape.join()) {
      const text = found === undefined ? 'none' : `[${found.join(', ')}]`;
      throw new AssayError('file', `${file.path}: expected ${name} of shape [${shape.join(', ')}], found ${text}.`);
    }
    read.set(name, finite(await valuesOf(file, name), `${file.path}: tensor ${name}`));
  }
  return read;
}

/** As float32; the moving threshold of a batch-top-k checkpoint is kept in float64. */
async function valuesOf(file: SafetensorsFile, name: string): Promise<Float32Array<ArrayBuffer>> {
  if (file.tensors.get(name)?.format !== 'F64') return file.read(name);
  const { buffer } = await file.readBytes(name);
  return Float32Array.from(new Float64Array(buffer));
}

async function allTensors(path: string): Promise<ReadonlyMap<string, Float32Array>> {
  await using file = await openSafetensors(path);
  const read = new Map<string, Float32Array>();
  for (const name of file.tensors.keys()) {
    read.set(name, finite(await file.read(name), `${file.path}: tensor ${name}`));
  }
  return read;
}

/** Codes chosen by pre-code times feature length, decoded with features of length 1: the same with lengths in the encoder. */
function foldLengths(weights: Map<string, Float32Array>, width: number): void {
  const [encoder, features, bias] = ['wEnc', 'wDec', 'bEnc'].map((name) => weights.get(name) ?? new Float32Array(0));
  if (encoder === undefined || features === undefined || bias === undefined) return;
  for (let feature = 0; feature < bias.length; feature++) {
    const length = Math.hypot(...features.subarray(feature * width, (feature + 1) * width));
    bias[feature] = (bias[feature] ?? 0) * length;
    for (let i = feature * width; i < (feature + 1) * width; i++) {
      encoder[i] = (encoder[i] ?? 0) * length;
      features[i] = (features[i] ?? 0) / length;
    }
  }
}

/** x W + b = (x - bDec) W + (b + bDec W). */
function foldBias(weights: Map<string, Float32Array>, width: number): void {
  const [encoder, bDec, bEnc] = ['wEnc', 'bDec', 'bEnc'].map((name) => weights.get(name) ?? new Float32Array(0));
  const [rMag, bMag] = [weights.get('rMag'), weights.get('bMag')];
  bEnc?.forEach((bias, feature) => {
    let shift = 0;
    for (let i = 0; i < width; i++) shift += (bDec?.[i] ?? 0) * (encoder?.[feature * width + i] ?? 0);
    bEnc[feature] = bias + shift;
    if (bMag !== undefined) bMag[feature] = (bMag[feature] ?? 0) + shift * Math.exp(rMag?.[feature] ?? 0);
  });
}
