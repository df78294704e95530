/** What is bounded, refused or warned of at the command line: stores on odd disks, inputs that are no files, counts without sense. */
import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { after, test } from 'node:test';

import { assay, newFolder, TOY } from './command.ts';

const ROOT = newFolder('limits');

after(() => rmSync(ROOT, { recursive: true }));

test('a store on a file system that is not known to be local is warned of by run and doctor, with the kind', async () => {
  // A file system of the kernel itself is of no known kind; that it cannot be written is said after the warning.
  const doctor = await assay('doctor', '--store', '/sys/assay');
  assert.match(doctor.stdout, /^warning {2}disk: \/sys\/assay is on .* not known to be local \(sysfs\)/m);
  const run = await assay('run', TOY, '--store', '/sys/assay');
  assert.match(run.stderr, /^warning: \/sys\/assay is on .* not known to be local \(sysfs\)/m);
  assert.doesNotMatch((await assay('doctor', '--store', ROOT)).stdout, /not known to be local/);
});
