/** The runs of `study.ts`, with nothing asked of them. */
import { defineStudy } from 'assay';

import { measured } from './study.ts';

export default defineStudy({ ...measured, name: 'measure-only' });
