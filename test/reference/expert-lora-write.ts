/** Exports the models with experts of family-models.json, each with an adapter of its experts, and one of some modules, merged too, for expert-lora.py: node expert-lora-write.ts FOLDER */
import { join } from 'node:path';

import { writeHuggingFace } from '#learning/files/hugging-face/hugging-face-write.ts';
import { writePeftAdapter } from '#learning/files/hugging-face/peft.ts';
import { openModel } from '#learning/files/open-model.ts';
import { type LoraFactors, mergedWeight } from '#learning/lora.ts';
import { expertModules, linearModules } from '#learning/models/parameters.ts';

import { FAMILY_MODELS, familyFolder } from '../learning/family-folders.ts';

const { rank, alpha, families } = FAMILY_MODELS;
const [, , to = ''] = process.argv;

/** The factors that expert-lora.py trains from. */
const factor = (length: number, of: (place: number) => number): Float32Array =>
  Float32Array.from({ length }, (_, i) => 0.2 * of(i + 1));

for (const family of ['mixtral', 'qwen3_moe', 'olmoe', 'qwen2_moe']) {
  for (const [index, model] of (families[family] ?? []).entries()) {
    await using files = await openModel(await familyFolder(model));
    const weights = new Map<string, Float32Array>();
    for (const name of files.shapes.keys()) weights.set(name, await files.tensor(name));
    const folder = join(to, `${family}-${index}`);
    await writeHuggingFace(join(folder, 'base'), files, (name) => weights.get(name) ?? new Float32Array());
    const factorsOf = (module: string): LoraFactors => {
      const [dOut = 0, dIn = 0] = files.shapes.get(`${module}.weight`) ?? [];
      const a = factor(rank * dIn, (place) => Math.sin(1.3 * place));
      return { dIn, dOut, a, b: factor(rank * dOut, (place) => Math.cos(0.7 * place)) };
    };
    const adapter = { baseModel: family, rank, alpha, useRsLora: false, isBaseTransposed: false };
    const experts = expertModules(files.config);
    const all = new Map(experts.map((module) => [module, factorsOf(module)]));
    await writePeftAdapter(join(folder, 'adapter'), { ...adapter, modules: all });
    const mixed = [...linearModules(files.config), ...experts].filter((module) =>
      /q_proj|layers\.1\..*experts/.test(module),
    );
    const some = new Map(mixed.map((module) => [module, factorsOf(module)]));
    await writePeftAdapter(join(folder, 'some'), { ...adapter, modules: some });
    await writeHuggingFace(join(folder, 'merged'), files, (name) => {
      const [weight = new Float32Array(), factors] = [weights.get(name), some.get(name.replace(/\.weight$/, ''))];
      return factors === undefined ? weight : mergedWeight(weight, factors, alpha / rank);
    });
  }
}
