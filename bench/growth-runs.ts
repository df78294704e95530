/**
 * Runs of bench/growth-training.ts after one another in this process; the processor's seconds as one JSON line on stdout.
 *   node bench/growth-runs.ts --block FIRST --count N --steps N --probe-every N
 */
import { parseArgs } from 'node:util';

import { runPersona } from './persona-run.ts';
import { processorSeconds } from './step-costs.ts';

const { values } = parseArgs({
  options: {
    block: { type: 'string', default: '0' },
    count: { type: 'string', default: '1' },
    steps: { type: 'string', default: '40' },
    'probe-every': { type: 'string', default: '20' },
  },
});
for (let run = 0; run < Number(values.count); run++) {
  await runPersona(
    {
      method: { kind: 'lora', rank: 4, alpha: 8, scaling: 'alphaOverRank', modules: 'all' },
      domain: { kind: 'ofBlock' },
      learningRate: 1e-3,
      steps: Number(values.steps),
      probeEvery: Number(values['probe-every']),
      stopBelow: 0,
      'measure.levels': {},
    },
    Number(values.block) + run,
    async (_name, _key, compute) => compute(),
  );
}
console.log(JSON.stringify({ processorSeconds: processorSeconds() }));
