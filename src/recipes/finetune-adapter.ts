/** Adapters and models of finetuning runs: one that a run starts from, and what a run leaves behind, in files others read. */
import { AssayError } from '#base/errors.ts';
import { writeHuggingFace } from '#learning/files/hugging-face-write.ts';
import { openModel } from '#learning/files/open-model.ts';
import { type LoraAdapter, loraScale as peftScale, readPeftAdapter, writePeftAdapter } from '#learning/files/peft.ts';
import { adaptedModules, type LoraConfig, type LoraFactors, loraScale, mergedWeight } from '#learning/lora.ts';
import type { Method } from '#learning/method.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { linearModules } from '#learning/models/parameters.ts';
import type { Memory } from '#learning/programs.ts';

/** What becomes of an adapter a run is given. */
export type AdapterUse = 'merge' | 'continue';

/**
 * A base model's weights with an adapter: merged into them, or beside them under its factors' names, where a trainer
 * that trains those starts from them.
 * @throws AssayError naming a module the model lacks, or of another size.
 */
export async function withAdapter(weights: Memory, path: string, use: AdapterUse): Promise<Memory> {
  const adapter = await readPeftAdapter(path);
  const changed = new Map(weights);
  for (const [module, factors] of adapter.modules) {
    const { dIn, dOut, a, b } = factors;
    const weight = weights.get(`${module}.weight`);
    if (weight?.length !== dOut * dIn) {
      const found = weight === undefined ? 'none' : `one of ${weight.length} values`;
      throw new AssayError(
        'file',
        `${path}: expected a linear layer ${module} [${dOut}, ${dIn}] in the model, found ${found}.`,
      );
    }
    if (use === 'merge') {
      changed.set(`${module}.weight`, mergedWeight(weight, factors, peftScale(adapter)));
    } else {
      changed.set(`${module}.lora_A.weight`, a);
      changed.set(`${module}.lora_B.weight`, b);
    }
  }
  return changed;
}

/** Refuses to go on training an adapter under a method that would not be the same adapter. @throws AssayError saying what differs. */
export async function checkContinues(path: string, method: Method, model: TransformerConfig): Promise<void> {
  const adapter = await readPeftAdapter(path);
  const found = method.kind === 'lora' ? describeLora(method, model) : `method ${method.kind}`;
  const expected = describeAdapter(adapter);
  if (found === expected) return;
  throw new AssayError(
    'config',
    `adapter ${path}: to continue it, expected ${expected}; found ${found}. Set the method so, or adapterUse=merge.`,
  );
}

function describeAdapter(adapter: LoraAdapter): string {
  return describeModules(adapter.rank, peftScale(adapter), [...adapter.modules.keys()]);
}

function describeLora(lora: LoraConfig, model: TransformerConfig): string {
  return describeModules(lora.rank, loraScale(lora), adaptedModules(lora, linearModules(model)));
}

function describeModules(rank: number, scale: number, modules: readonly string[]): string {
  const sorted = modules.toSorted();
  return `LoRA of rank ${rank} and scale ${scale} on ${modules.length} modules (${sorted.join(', ')})`;
}

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

/** Writes the model whose weights are in `memory` into a Hugging Face folder, LoRA merged into the base. */
export async function writeTrainedModel(
  folder: string,
  method: Method,
  memory: Memory,
  basePath: string,
): Promise<void> {
  await using base = await openModel(basePath);
  await writeHuggingFace(folder, base, (name) => {
    const weight = memory.get(name) ?? new Float32Array();
    const module = name.replace(/\.weight$/, '');
    if (method.kind !== 'lora' || !memory.has(`${module}.lora_A.weight`)) return weight;
    return mergedWeight(weight, factorsOf(module, memory, method.rank), loraScale(method));
  });
}

function factorsOf(module: string, memory: Memory, rank: number): LoraFactors {
  const [a, b] = [memory.get(`${module}.lora_A.weight`), memory.get(`${module}.lora_B.weight`)];
  if (a === undefined || b === undefined)
    throw new AssayError('run', `${module}: expected a trained adapter, found none.`);
  return { dIn: a.length / rank, dOut: b.length / rank, a: a.slice(), b: b.slice() };
}
