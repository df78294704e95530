/** Compares what templates render here with a file of files-templates.py: node test/reference/files-templates-check.ts FILE */
import { readFileSync } from 'node:fs';

import { compareFamilies } from './families.ts';

console.log(JSON.stringify(compareFamilies(readFileSync(process.argv[2] ?? '', 'utf8')), null, 1));
