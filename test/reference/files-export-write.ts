/** Exports a model as a Hugging Face folder, its weights unchanged, for files-export.py: node files-export-write.ts MODEL FOLDER */
import { openModel } from '#learning/files/open-model.ts';
import { writeHuggingFace } from '#learning/files/hugging-face/hugging-face-write.ts';

const [from = '', to = ''] = process.argv.slice(2);
await using model = await openModel(from);
const weights = new Map<string, Float32Array>();
for (const name of model.shapes.keys()) weights.set(name, await model.tensor(name));
await writeHuggingFace(to, model, (name) => weights.get(name) ?? new Float32Array());
