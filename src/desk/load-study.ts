/** A study from where it stands: a module, or a JSON file. The command and its workers load the same study by this. */
import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

import { AssayError } from '#base/errors.ts';
import { sha256 } from '#base/json.ts';
import { importStudy } from '#runner/import-study.ts';
import { type LoadedStudy, sourcesOf } from '#runner/study-sources.ts';

/** Loads the study at a file URL. @throws AssayError naming the file, and what is wrong in it. */
export async function loadStudy(url: string): Promise<LoadedStudy> {
  if (!url.endsWith('.json')) return { study: await importStudy(url), sources: sourcesOf(url) };
  // Only those who need the recipes pay for loading them.
  const { finetuneStudyOfFile } = await import('#recipes/finetune/study-file.ts');
  const path = fileURLToPath(url);
  const before = hashOf(path);
  const study = finetuneStudyOfFile(path);
  if (before !== undefined && before === hashOf(path)) return { study, sources: { [basename(path)]: before } };
  throw new AssayError('config', `${path} changed while it was read. Run again once it stays as it is.`);
}

/** Undefined where there is no regular file: reading a pipe would wait for ever. */
function hashOf(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true ? sha256(readFileSync(path)) : undefined;
}
