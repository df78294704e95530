/**
 * How cost grows: `npm run bench -- growth [--only runs --only width ...]`, ours and the peer's in turn, in processor time of one thread.
 *   runs     finetuning runs of the persona world after one another (--runs 1,4,16,64), start and compilation included
 *   workers  16 such runs over as many processes at once (--workers 1,2), on the wall
 *   width    a step of a GPT of two layers (--widths 64,128,256,512,1024), 512 tokens
 *   length   a step of one of width 128 (--lengths 64,128,256,512,1024), 4,096 tokens
 *   reports  reports over --blocks, paths over --probes (bench/growth-reports.ts)
 * Width and length show the share of the machine's product peak: the step's products over what a product of 1024 x 1024 x 1024 reaches.
 * The peer runs on MKL's fast path, with --compile also compiled. Needs Python with torch and safetensors: PYTHON=..., else python3.
 */
import { parseArgs } from 'node:util';

import { growthOfReports } from './growth-reports.ts';
import { growthOfRuns, growthOfSteps, growthOfWorkers, peersFor } from './growth-training.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: ['runs', 'workers', 'width', 'length', 'reports'] },
    runs: { type: 'string', default: '1,4,16,64' },
    workers: { type: 'string', default: '1,2' },
    widths: { type: 'string', default: '64,128,256,512,1024' },
    lengths: { type: 'string', default: '64,128,256,512,1024' },
    blocks: { type: 'string', default: '100,200,400,667' },
    probes: { type: 'string', default: '10000,20000,40000' },
    seconds: { type: 'string', default: '5' },
    compile: { type: 'boolean', default: false },
  },
});
const ways = peersFor(values.compile);
for (const what of values.only) {
  if (what === 'runs') growthOfRuns(numbersIn(values.runs), ways);
  else if (what === 'workers') await growthOfWorkers(numbersIn(values.workers), ways);
  else if (what === 'width') await growthOfSteps('width', numbersIn(values.widths), values.seconds, ways);
  else if (what === 'length') await growthOfSteps('length', numbersIn(values.lengths), values.seconds, ways);
  else if (what === 'reports') await growthOfReports(numbersIn(values.blocks), numbersIn(values.probes));
  else throw new Error(`--only: expected runs, workers, width, length or reports, found "${what}".`);
}

function numbersIn(list: string): number[] {
  return list.split(',').map(Number);
}
