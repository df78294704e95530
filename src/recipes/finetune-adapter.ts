/** The adapter that a LoRA run has trained, in PEFT's form. */
import { AssayError } from '#base/errors.ts';
import { type LoraAdapter, writePeftAdapter } from '#learning/files/peft.ts';
import { adaptedModules, type LoraConfig, type LoraFactors } from '#learning/lora.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { linearModules } from '#learning/models/parameters.ts';
import type { Memory } from '#learning/programs.ts';

/** Writes the adapter whose factors are in `memory` into a folder. @throws AssayError where it cannot be written. */
export async function writeTrainedAdapter(
  folder: string,
  lora: LoraConfig,
  model: TransformerConfig,
  memory: Memory,
  baseModel: string,
): Promise<void> {
  const adapter: LoraAdapter = {
    baseModel,
    rank: lora.rank,
    alpha: lora.alpha,
    useRsLora: lora.scaling === 'alphaOverSqrtRank',
    isBaseTransposed: model.family === 'gpt2', // its files keep Conv1D weights as [dIn, dOut]
    modules: new Map(
      adaptedModules(lora, linearModules(model)).map((name): [string, LoraFactors] => [
        name,
        factorsOf(name, memory, lora.rank),
      ]),
    ),
  };
  await writePeftAdapter(folder, adapter);
}

function factorsOf(module: string, memory: Memory, rank: number): LoraFactors {
  const [a, b] = [memory.get(`${module}.lora_A.weight`), memory.get(`${module}.lora_B.weight`)];
  if (a === undefined || b === undefined)
    throw new AssayError('run', `${module}: expected a trained adapter, found none.`);
  return { dIn: a.length / rank, dOut: b.length / rank, a: a.slice(), b: b.slice() };
}
