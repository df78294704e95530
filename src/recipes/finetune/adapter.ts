/** Adapters and models of finetuning runs: one that a run starts from, and what a run leaves behind, in files others read. */
import { AssayError } from '#base/errors.ts';
import { writeHuggingFace } from '#learning/files/hugging-face/hugging-face-write.ts';
import type { ModelFiles } from '#learning/files/model-files.ts';
import { openModel } from '#learning/files/open-model.ts';
import {
  type LoraAdapter,
  loraScale as peftScale,
  readPeftAdapter,
  writePeftAdapter,
} from '#learning/files/hugging-face/peft.ts';
import { adaptedModules, type LoraConfig, type LoraFactors, loraScale, mergedWeight } from '#learning/lora.ts';
import type { Method } from '#learning/method.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { expertModules, linearModules } from '#learning/models/parameters.ts';
import type { Memory, Weights } from '#learning/weights.ts';

/** What becomes of an adapter a run is given. */
export type AdapterUse = 'merge' | 'continue';

/** A base model's weights as a run gets them. */
export interface StartingWeights {
  /** A tensor of the base, an adapter merged where asked. */
  tensor(name: string): Promise<Float32Array>;
  /** The factors of an adapter that is continued, under their names: a trainer that trains those starts from them. */
  readonly factors: Memory;
}

/** The weights of a model with the adapter at `path`, '' for none. @throws AssayError naming a module the model lacks. */
export async function startingWeights(base: ModelFiles, path: string, use: AdapterUse): Promise<StartingWeights> {
  if (path === '') return { tensor: (name) => base.tensor(name), factors: new Map() };
  const adapter = await readPeftAdapter(path, base.config);
  for (const [module, { dOut, dIn }] of adapter.modules) {
    const shape = base.shapes.get(`${module}.weight`);
    if (shape?.join() === [dOut, dIn].join()) continue;
    const found = shape === undefined ? 'none' : `[${shape.join(', ')}]`;
    throw new AssayError(
      'file',
      `${path}: expected a linear layer ${module} [${dOut}, ${dIn}] in the model, found ${found}.`,
    );
  }
  if (use === 'continue') {
    const factors = [...adapter.modules].flatMap(([module, { a, b }]): [string, Float32Array][] => [
      [`${module}.lora_A.weight`, a],
      [`${module}.lora_B.weight`, b],
    ]);
    return { tensor: (name) => base.tensor(name), factors: new Map(factors) };
  }
  const tensor = async (name: string): Promise<Float32Array> => {
    const weight = await base.tensor(name);
    const factors = adapter.modules.get(name.replace(/\.weight$/, ''));
    return factors === undefined ? weight : mergedWeight(weight, factors, peftScale(adapter));
  };
  return { tensor, factors: new Map() };
}

/** Refuses to go on training an adapter under a method that would not be the same adapter. @throws AssayError saying what differs. */
export async function checkContinues(path: string, method: Method, model: TransformerConfig): Promise<void> {
  const adapter = await readPeftAdapter(path, model);
  if (adapter.isStacked === true) {
    const why = 'it has factors of stacked experts, in which gate and up share one: trained on here they would not';
    throw new AssayError(
      'config',
      `adapter ${path}: expected one that can be continued, found that ${why}. Set adapter.use=merge.`,
    );
  }
  const found = method.kind === 'lora' ? describeLora(method, model) : `method ${method.kind}`;
  const expected = describeAdapter(adapter);
  if (found === expected) return;
  throw new AssayError(
    'config',
    `adapter ${path}: to continue it, expected ${expected}; found ${found}. Set the method so, or adapter.use=merge.`,
  );
}

function describeAdapter(adapter: LoraAdapter): string {
  return describeModules(adapter.rank, peftScale(adapter), [...adapter.modules.keys()]);
}

function describeLora(lora: LoraConfig, model: TransformerConfig): string {
  return describeModules(lora.rank, loraScale(lora), adaptedModules(lora, linearModules(model), expertModules(model)));
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
      adaptedModules(lora, linearModules(model), expertModules(model)).map((name): [string, LoraFactors] => [
        name,
        factorsOf(name, memory, lora.rank),
      ]),
    ),
  };
  await writePeftAdapter(folder, adapter);
}

/** Writes the model of these weights into a Hugging Face folder, LoRA merged into the base. */
export async function writeTrainedModel(
  folder: string,
  method: Method,
  weights: Weights,
  basePath: string,
): Promise<void> {
  await using base = await openModel(basePath);
  await writeHuggingFace(folder, base, (name) => {
    const weight = weights.get(name) ?? new Float32Array();
    const module = name.replace(/\.weight$/, '');
    if (method.kind !== 'lora' || !weights.has(`${module}.lora_A.weight`)) return weight;
    return mergedWeight(weight, factorsOf(module, weights, method.rank), loraScale(method));
  });
}

function factorsOf(module: string, weights: Weights, rank: number): LoraFactors {
  const [a, b] = [weights.get(`${module}.lora_A.weight`), weights.get(`${module}.lora_B.weight`)];
  if (a === undefined || b === undefined)
    throw new AssayError('run', `${module}: expected a trained adapter, found none.`);
  return { dIn: a.length / rank, dOut: b.length / rank, a: a.slice(), b: b.slice() };
}
