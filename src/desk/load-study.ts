/** A study from where it stands: a module, or a JSON file. The command and its workers load the same study by this. */
import { fileURLToPath } from 'node:url';

import { importStudy } from '#runner/import-study.ts';
import type { Study } from '#study/study.ts';

/** Loads the study at a file URL. @throws AssayError naming the file, and what is wrong in it. */
export async function loadStudy(url: string): Promise<Study> {
  if (!url.endsWith('.json')) return importStudy(url);
  // Only those who need the recipes pay for loading them.
  const { finetuneStudyOfFile } = await import('#recipes/finetune/study-file.ts');
  return finetuneStudyOfFile(fileURLToPath(url));
}
