/** Exports every model of family-models.json, with an adapter of its linear layers, and of gguf-families, for family-export.py: node family-export-write.ts FOLDER */
import { globSync } from 'node:fs';
import { basename, join } from 'node:path';

import { writeHuggingFace } from '#learning/files/hugging-face/hugging-face-write.ts';
import { writePeftAdapter } from '#learning/files/hugging-face/peft.ts';
import type { ModelFiles } from '#learning/files/model-files.ts';
import { openModel } from '#learning/files/open-model.ts';
import { linearModules } from '#learning/models/parameters.ts';

import { FAMILY_MODELS, familyFolder } from '../learning/family-folders.ts';

const { rank, alpha, families } = FAMILY_MODELS;
const [, , to = ''] = process.argv;

/** The factors that family-models.py trains from. */
const factor = (length: number, of: (place: number) => number): Float32Array =>
  Float32Array.from({ length }, (_, i) => 0.2 * of(i + 1));

async function write(folder: string, files: ModelFiles): Promise<void> {
  const weights = new Map<string, Float32Array>();
  for (const name of files.shapes.keys()) weights.set(name, await files.tensor(name));
  await writeHuggingFace(folder, files, (name) => weights.get(name) ?? new Float32Array());
}

for (const path of globSync(join(import.meta.dirname, '../fixtures/gguf-families/*.gguf'))) {
  await using files = await openModel(path);
  await write(join(to, `gguf-${basename(path, '.gguf')}`), files);
}

for (const [family, cases] of Object.entries(families)) {
  for (const [index, model] of cases.entries()) {
    await using files = await openModel(await familyFolder(model));
    const folder = join(to, `${family}-${index}`);
    await write(join(folder, 'base'), files);
    const modules = linearModules(files.config).map((module) => {
      const [dOut = 0, dIn = 0] = files.shapes.get(`${module}.weight`) ?? [];
      const a = factor(rank * dIn, (place) => Math.sin(1.3 * place));
      return [module, { dIn, dOut, a, b: factor(rank * dOut, (place) => Math.cos(0.7 * place)) }] as const;
    });
    const adapter = { baseModel: family, rank, alpha, useRsLora: false, isBaseTransposed: false };
    await writePeftAdapter(join(folder, 'adapter'), { ...adapter, modules: new Map(modules) });
  }
}
