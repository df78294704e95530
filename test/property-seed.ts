/** Property tests draw the same examples every time; PROPERTY_SEED=N draws others. */
import fc from 'fast-check';

fc.configureGlobal({ seed: Number(process.env['PROPERTY_SEED'] ?? 1) });
