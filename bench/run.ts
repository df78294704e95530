/** npm run bench -- <subject> [arguments]: runs one bench file of this folder. */
import { globSync } from 'node:fs';
import { basename } from 'node:path';

const subjects = globSync(`${import.meta.dirname}/*.ts`)
  .map((path) => basename(path, '.ts'))
  .filter((name) => name !== 'run')
  .toSorted();
const [subject = ''] = process.argv.splice(2, 1);
if (subjects.includes(subject)) await import(`./${subject}.ts`);
else {
  console.error(`Expected one of ${subjects.join(', ')}, found "${subject}".`);
  process.exitCode = 2;
}
