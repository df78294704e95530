/** What a test writes to the system's temporary folder goes to a folder of the process's own, which goes when the process ends. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

// Processes that this one starts inherit it, so the test runner's folder holds those of all tests, of killed ones too.
const folder = mkdtempSync(join(tmpdir(), 'assay-test-'));
// As open as the system's: some tests become another user.
chmodSync(folder, 0o1777);
process.env['TMPDIR'] = folder;
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
