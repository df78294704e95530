/** Property tests draw the same examples every time; PROPERTY_SEED=N draws others. */
import { configureGlobal } from 'fast-check';

configureGlobal({ seed: Number(process.env['PROPERTY_SEED'] ?? 1) });
