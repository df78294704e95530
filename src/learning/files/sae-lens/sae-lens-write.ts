/**
 * Sparse autoencoders as folders that SAELens loads: `cfg.json` and `sae_weights.safetensors`.
 * Invariant: what SAELens computes from the folder is what `saeReader` computes; what it cannot say is refused. Maps of a
 * restricted decoder, which its loader would refuse as tensors too many, stand beside in `slot_maps.safetensors`.
 * Source: https://github.com/decoderesearch/SAELens 6.54, `SAE.load_from_disk`.
 */
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { AssayError, messageOf } from '#base/errors.ts';
import type { JsonObject } from '#base/json.ts';
import { makeFolder } from '#base/make-folder.ts';
import { type TensorToWrite, writeSafetensors } from '#learning/files/tensors/safetensors-write.ts';
import { dictionaryOf } from '#learning/sae/sae-parameters.ts';
import type { Sae } from '#learning/sae/sae-trainer.ts';

export const CONFIG_FILE = 'cfg.json';
export const WEIGHTS_FILE = 'sae_weights.safetensors';
export const MAPS_FILE = 'slot_maps.safetensors';

/** The format's version; SAELens reads older ones by other rules. */
const FORMAT_VERSION = '6.54.12';

/**
 * Writes an autoencoder into a folder, which is made if needed; the same autoencoder gives the same bytes. A tied one gets its
 * dictionary as encoder, a restricted one its whole dictionary, batch-top-k its reading threshold (as SAELens: `jumprelu`).
 * @param metadata What SAELens keeps of its origin, such as `{ model_name, hook_name }`, the hook point by its name there.
 * @throws AssayError on a thresholding encoder (`withoutThresholding` says what is lost), and where the folder cannot be written.
 */
export async function writeSaeLens(path: string, sae: Sae, metadata: JsonObject = {}): Promise<void> {
  if (sae.config.encoder.kind === 'thresholding') {
    throw new AssayError(
      'data',
      'SAELens has no thresholding encoder: its codes would be others. Write `withoutThresholding(sae)`, whose codes are those of the first step.',
    );
  }
  const config = `${JSON.stringify(configOf(sae, metadata), null, 2)}\n`;
  try {
    makeFolder(path);
    await writeFile(join(path, `${CONFIG_FILE}.partial`), config);
    await rename(join(path, `${CONFIG_FILE}.partial`), join(path, CONFIG_FILE));
    // Maps of an autoencoder that stood here before are not this one's.
    await rm(join(path, MAPS_FILE), { force: true });
  } catch (thrown) {
    throw new AssayError('file', `Could not write ${path}: ${messageOf(thrown)}`, { cause: thrown });
  }
  await writeSafetensors(join(path, WEIGHTS_FILE), tensorsOf(sae), { format: 'pt' });
  const maps = mapsOf(sae);
  if (maps.length > 0) await writeSafetensors(join(path, MAPS_FILE), maps, { format: 'pt' });
}

/** The autoencoder that encodes in one step, TopK(y D^T), with the same dictionary: of a thresholding one, the first step. */
export function withoutThresholding({ config, weights }: Sae): Sae {
  if (config.encoder.kind !== 'thresholding') return { config, weights };
  const bEnc = new Float32Array(config.dSae);
  return { config: { ...config, encoder: { kind: 'tied' } }, weights: new Map([...weights, ['bEnc', bEnc]]) };
}

function configOf({ config: { dIn, dSae, activation } }: Sae, metadata: JsonObject): JsonObject {
  const architectures = {
    relu: 'standard',
    gated: 'gated',
    topK: 'topk',
    absTopK: 'abstopk',
    batchTopK: 'jumprelu',
    jumpRelu: 'jumprelu',
  } as const;
  return {
    d_in: dIn,
    d_sae: dSae,
    dtype: 'float32',
    device: 'cpu',
    apply_b_dec_to_input: true,
    normalize_activations: 'none',
    reshape_activations: isOfHeads(metadata) ? 'hook_z' : 'none',
    metadata: { ...metadata, sae_lens_version: FORMAT_VERSION },
    ...(activation.kind === 'topK' || activation.kind === 'absTopK'
      ? { k: activation.k, rescale_acts_by_decoder_norm: false }
      : {}),
    architecture: architectures[activation.kind],
  };
}

/** Whether SAELens has heads apart where the autoencoder's rows have them side by side. */
function isOfHeads({ hook_name: name }: JsonObject): boolean {
  return typeof name === 'string' && name.endsWith('.hook_z');
}

function tensorsOf(sae: Sae): readonly TensorToWrite[] {
  const { config, weights } = sae;
  const { dIn, dSae, activation } = config;
  const dictionary = dictionaryOf(config, weights);
  const encoder = weights.get('wEnc') ?? dictionary;
  const bias = weights.get('bEnc') ?? new Float32Array(dSae);
  const vector = (name: string, values: Float32Array): TensorToWrite => ({
    name,
    dtype: 'F32',
    shape: [values.length],
    values,
  });
  const of = (name: string): Float32Array => weights.get(name) ?? new Float32Array(dSae);
  return [
    { name: 'W_enc', dtype: 'F32', shape: [dIn, dSae], values: transposed(encoder, dSae, dIn) },
    { name: 'W_dec', dtype: 'F32', shape: [dSae, dIn], values: dictionary },
    vector('b_dec', weights.get('bDec') ?? new Float32Array(dIn)),
    vector(activation.kind === 'gated' ? 'b_gate' : 'b_enc', bias),
    ...(activation.kind === 'gated' ? [vector('r_mag', of('rMag')), vector('b_mag', of('bMag'))] : []),
    ...(activation.kind === 'jumpRelu' ? [vector('threshold', of('threshold'))] : []),
    ...(activation.kind === 'batchTopK'
      ? [vector('threshold', new Float32Array(dSae).fill(weights.get('readingThreshold')?.[0] ?? 0))]
      : []),
  ];
}

function mapsOf({ config: { dIn }, weights }: Sae): readonly TensorToWrite[] {
  return Array.from(weights)
    .filter(([name]) => name.startsWith('map'))
    .map(([name, values]) => ({ name, dtype: 'F32', shape: [dIn, dIn], values }));
}

/** A [rows, columns] matrix as [columns, rows]. */
export function transposed(values: Float32Array, rows: number, columns: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) out[column * rows + row] = values[row * columns + column] ?? 0;
  }
  return out;
}
