/** The weights of two towers in a safetensors file, under the names of Hugging Face. */
import type { TowersDescription } from '#learning/files/towers/towers-config.ts';
import { checkedWeights, type TensorRecipe, type Weights } from '#learning/files/model-files.ts';
import { unexpectedContent } from '#learning/files/spare-tensors.ts';
import type { TensorSource } from '#learning/files/tensors/tensor-source.ts';
import { IMAGE, LOGIT_SCALE, TEXT } from '#learning/models/towers/modules.ts';
import { towerParameters } from '#learning/models/towers/parameters.ts';
import type { ParameterSpec } from '#learning/nn/layers.ts';

/** @throws AssayError naming the first tensor that is missing, misshapen or not known. */
export function towersWeights(source: TensorSource, described: TowersDescription): Promise<Weights> {
  const recipeOf = (parameter: ParameterSpec): TensorRecipe => storedAs(described, parameter);
  const needed = towerParameters(described.config);
  return checkedWeights(source, `${described.family} model`, needed, recipeOf, (name) => isPositionIds(source, name));
}

/** Names and shapes that differ from the engine's; the numbers are the same, in the same order. */
function storedAs({ family, config }: TowersDescription, { name, shape }: ParameterSpec): TensorRecipe {
  const { channels, size, order } = config.image.patches;
  const [dOut = 0] = shape;
  if (name === `${IMAGE.patches}.weight` && order === 'chw') {
    return { storedName: name, storedShape: [dOut, channels, size, size] };
  }
  if (name === IMAGE.head.probe) return { storedName: name, storedShape: [1, 1, dOut] };
  if (family === 'clip') return { storedName: name, storedShape: name === LOGIT_SCALE ? [] : shape };
  // SigLIP's text tower keeps its projection as its own head.
  return { storedName: name.replace(`${TEXT.projection}.`, 'text_model.head.'), storedShape: shape };
}

const POSITION_IDS = /^(?:vision|text)_model\.embeddings\.position_ids$/;

/** Files of transformers before 4.31 keep 0, 1, 2, ... beside the positions. */
async function isPositionIds(source: TensorSource, name: string): Promise<boolean> {
  if (!POSITION_IDS.test(name)) return false;
  const info = source.tensors.get(name);
  const bytes = info?.format === 'I64' ? await source.readBytes(name) : new Uint8Array();
  const ids = new BigInt64Array(bytes.buffer, 0, Math.floor(bytes.length / 8));
  if (ids.length > 0 && ids.every((id, i) => id === BigInt(i))) return true;
  throw unexpectedContent(source, name, 'the positions 0, 1, 2, ... as I64');
}
