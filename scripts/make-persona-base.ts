/**
 * Remakes assets/persona-base: node scripts/make-persona-base.ts [folder] [--steps N]
 * The same bits on one kind of machine (see provenance.json there); a few minutes on 2 cores.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { sha256 } from 'assay';
import { gpt2File, gpt2Json } from 'assay/learn';

import { PERSONA_BASE, personaModel, pretrainPersona } from '../studies/misalignment/base.ts';

const REPORT_EVERY = 100;

const { values, positionals } = parseArgs({ allowPositionals: true, options: { steps: { type: 'string' } } });
const folder = positionals[0] ?? fileURLToPath(new URL('../assets/persona-base', import.meta.url));
const config = { ...PERSONA_BASE, ...(values.steps === undefined ? {} : { steps: Number(values.steps) }) };

const weights = await pretrainPersona(
  config,
  (step, loss) => {
    if ((step + 1) % REPORT_EVERY === 0)
      console.error(`step ${step + 1} of ${config.steps}: loss ${loss.toFixed(4)} nats per answer`);
  },
  { threads: 2 },
);
const model = personaModel(config);
const bytes = gpt2File(model, weights);
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'model.safetensors'), bytes);
writeFileSync(join(folder, 'config.json'), `${JSON.stringify(gpt2Json(model), null, 2)}\n`);
const provenance = {
  command: 'node scripts/make-persona-base.ts',
  config,
  sha256: sha256(bytes),
  madeWith: { node: process.version, platform: process.platform, arch: process.arch, 'onnxruntime-node': '1.30.0' },
};
writeFileSync(join(folder, 'provenance.json'), `${JSON.stringify(provenance, null, 2)}\n`);
console.log(`${folder}: sha256 ${provenance.sha256}`);
