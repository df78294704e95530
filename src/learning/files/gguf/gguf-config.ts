/**
 * From a GGUF file's metadata to the description of a model, meaning what llama.cpp means by it.
 * Every key that engines read is read, or is one of those that are known to change nothing (gguf-keys.ts), or is refused
 * by name.
 * Source: `load_hparams` of llama.cpp, https://github.com/ggml-org/llama.cpp.
 */
import { AssayError } from '#base/errors.ts';
import type { Json, JsonObject } from '#base/json.ts';
import { type Fields, fieldsOf, listedNumbers } from '#learning/files/fields.ts';
import { huggingFaceConfig } from '#learning/files/hugging-face/hugging-face-config.ts';
import type { ModelDescription } from '#learning/files/model-description.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { MODULES } from '#learning/models/modules.ts';

import { GGUF_FAMILIES } from './gguf-families.ts';
import type { GgufFamily, GgufReading } from './gguf-family.ts';
import { isIdleGgufKey, ONLY } from './gguf-keys.ts';
import { ggufName } from './gguf-names.ts';
import { FLOAT32_STEP, ggufRope, type GgufRope, ropeTensors } from './gguf-rope.ts';
import type { GgufFile } from './gguf.ts';

/** What a file's metadata says of its model. */
export interface GgufDescription {
  readonly described: ModelDescription;
  /** The fields of a `config.json` that says the same. @throws AssayError when none does. */
  configJson(): JsonObject & Readonly<Record<'model_type' | 'vocab_size' | 'tie_word_embeddings', Json>>;
  /** Whether query and key rows stand in pairs. */
  readonly isPaired: boolean;
  /** Tensors that are read with the metadata. */
  readonly readTensors: readonly string[];
}

/**
 * The description of the model in a file.
 * @throws AssayError naming what is missing, wrong, not supported or not known.
 */
export async function ggufConfig(file: GgufFile): Promise<GgufDescription> {
  const general = fieldsOf(file.metadata, file.path);
  refuseOtherKinds(general);
  const architectures = new Map([...GGUF_FAMILIES].map(([name, family]) => [name, { name, family }]));
  const { name: architecture, family } = general.oneOf('general.architecture', architectures);
  for (const name of READ_ELSEWHERE) general.value(name);
  general.refuseRest((name) => name.startsWith(`${architecture}.`) || isIdleGgufKey(name, architecture));
  const fields = fieldsOf(file.metadata, file.path, `${architecture}.`);
  const reading = await readingOf(file, fields, family);
  refuseOtherParts(family, reading);
  const json = {
    ...family.config(reading),
    vocab_size: file.tensors.get('token_embd.weight')?.shape[0] ?? 0,
    tie_word_embeddings: !reading.has('output.weight'),
  };
  fields.refuseRest((name) => isIdleGgufKey(`${architecture}.${name}`, architecture));
  const said = huggingFaceConfig(json, file.path);
  const config = { ...said.config, biases: biasesIn(said.config, reading) };
  return {
    described: { ...said, config },
    configJson: () => {
      if (JSON.stringify(config.biases) === JSON.stringify(said.config.biases)) return json;
      const missing = `no config of a ${said.modelType} model says which of its linear maps have a bias`;
      throw new AssayError('file', `${file.path}: ${missing}.`);
    },
    isPaired: family.isPaired === true,
    readTensors: family.rope === undefined ? [] : ropeTensors(family.rope),
  };
}

const READ_ELSEWHERE = ['general.alignment', 'split.count', 'split.no', 'split.tensors.count'];

/** Refuses files of the same form that hold no model. */
function refuseOtherKinds(general: Fields): void {
  if (general.value('general.type') === 'adapter' || general.has('adapter.type')) {
    const remedy = 'Convert it to PEFT form, and give its folder as "adapter" beside the model it belongs to';
    throw new AssayError('file', `${general.where} holds an adapter (LoRA), not a model. ${remedy}.`);
  }
  general.only('general.type', ['model']);
}

async function readingOf(file: GgufFile, fields: Fields, family: GgufFamily): Promise<GgufReading> {
  const nLayers = fields.size('block_count');
  const nHeads = inEveryLayer(fields, 'attention.head_count', nLayers);
  const dModel = fields.size('embedding_length');
  const headDim = fields.size('attention.key_length', dModel / nHeads);
  const contextLength = fields.size('context_length');
  fields.only('attention.value_length', [headDim]);
  fields.only('vocab_size', [file.tensors.get('token_embd.weight')?.shape[0] ?? 0]);
  const nKvHeads = inEveryLayer(fields, 'attention.head_count_kv', nLayers, nHeads);
  const dMlp = inEveryLayer(fields, 'feed_forward_length', nLayers);
  const rope =
    family.rope === undefined ? PLAIN : await ggufRope(file, fields, family.rope, { headDim, contextLength });
  const has = (name: string): boolean => file.tensors.has(name);
  return { fields, nLayers, nHeads, nKvHeads, dModel, dMlp, headDim, contextLength, rope, has };
}

/** In place of a rotation where there is none. */
const PLAIN: GgufRope = { theta: 10_000, fraction: 1 };

/** A size that may be given for each layer; all must be the same. */
function inEveryLayer(fields: Fields, name: string, nLayers: number, byDefault?: number): number {
  const sizes = listedNumbers(fields.value(name));
  if (sizes === undefined) return fields.size(name, byDefault);
  const [first = 0] = sizes;
  const isOne = sizes.length === nLayers && sizes.every((size) => size === first);
  if (isOne && Number.isSafeInteger(first) && first > 0) return first;
  throw fields.error(name, `one positive integer for all ${nLayers} layers`);
}

/** Refuses what a family does not have but where it is switched off; a scale that is the usual one says nothing, nor does a window as long as the context. */
function refuseOtherParts({ reads = [] }: GgufFamily, { fields, headDim, contextLength }: GgufReading): void {
  for (const [name, allowed] of Object.entries(ONLY)) if (!reads.includes(name)) fields.only(name, allowed);
  if (!reads.includes('attention.scale')) {
    const scale = fields.value('attention.scale') ?? 0; // 0 is llama.cpp's "not set"
    const usual = Math.fround(1 / Math.sqrt(headDim));
    const isUsual = scale === 0 || (typeof scale === 'number' && Math.abs(scale / usual - 1) < FLOAT32_STEP);
    if (!isUsual) throw fields.error('attention.scale', `${usual}, the root of one head's size`);
  }
  if (reads.includes('attention.sliding_window')) return;
  const window = fields.value('attention.sliding_window') ?? 0;
  if (window === 0 || (typeof window === 'number' && window >= contextLength)) return;
  throw fields.error('attention.sliding_window', 'off: attention must see the whole context');
}

/** The tensors say which linear maps have a bias. */
function biasesIn(config: TransformerConfig, { has }: GgufReading): TransformerConfig['biases'] {
  const { qkv, attentionOut, mlpDown } = MODULES[config.family].block(0);
  const hasBias = (module: string): boolean => has(ggufName(config, `${module}.bias`));
  return {
    ...config.biases,
    qkv: hasBias(qkv.kind === 'fused' ? qkv.module : qkv.q),
    attentionOut: hasBias(attentionOut),
    mlp: hasBias(mlpDown),
  };
}
