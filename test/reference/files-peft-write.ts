/** Reads PEFT adapters and writes them again, for files-peft.py to load: node files-peft-write.ts <from> <to> <names...> */
import { join } from 'node:path';

import { readPeftAdapter, writePeftAdapter } from '#learning/files/hugging-face/peft.ts';

const [from = '', to = '', ...names] = process.argv.slice(2);
for (const name of names) await writePeftAdapter(join(to, name), await readPeftAdapter(join(from, name)));
