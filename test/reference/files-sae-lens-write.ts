/** Writes an autoencoder of each kind for SAELens to load, with what is computed from it: node test/reference/files-sae-lens-write.ts OUT */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { writeSaeLens } from '#learning/files/sae-lens/sae-lens-write.ts';
import { saeReader } from '#learning/sae/sae-reader.ts';

import { ROWS, SAES, X } from './sae-lens-saes.ts';

const [, , out = ''] = process.argv;
for (const [name, sae] of Object.entries(SAES)) {
  const folder = join(out, name);
  await writeSaeLens(folder, sae, { hook_name: 'model.layers.1.out' });
  await using reader = await saeReader(sae, ROWS);
  const { featureActs, reconstruction } = await reader.read(X);
  const computed = { x: [...X], featureActs: [...featureActs], reconstruction: [...reconstruction] };
  await writeFile(join(folder, 'computed.json'), JSON.stringify(computed));
}
