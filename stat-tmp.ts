import { readMaterial } from '#recipes/finetune-material.ts';
import { FINETUNE_DEFAULTS, readFinetuneConfig } from '#recipes/finetune-config.ts';
import { createFinetuneLab } from '#recipes/finetune-lab.ts';
const model = process.argv[2]!;
const config = readFinetuneConfig({
  ...FINETUNE_DEFAULTS,
  model,
  data: 'study:misalignment-real/data/bad-plants.jsonl',
  evals: 'study:misalignment-real/data/evals.jsonl',
  probe: { every: 4, rows: 32 },
  threads: 1,
});
const m = await readMaterial(config as any);
let t = performance.now();
await using lab = await createFinetuneLab(config, m);
console.log('lab', ((performance.now() - t) / 1e3).toFixed(1));
lab.reset(0, config);
const moment: any = { config, context: {}, step: 0, scorers: {}, bill: {} };
for (let i = 0; i < 2; i++) {
  t = performance.now();
  const c0 = process.cpuUsage();
  const ax = await lab.axes();
  const c1 = process.cpuUsage(c0);
  const t1 = performance.now();
  const o = await lab.outcomes(moment);
  const t2 = performance.now();
  const c2 = process.cpuUsage(c0);
  console.log(
    'axes',
    ((t1 - t) / 1e3).toFixed(1),
    'cpu',
    (c1.user / 1e6).toFixed(1),
    'outcomes (with held-out)',
    ((t2 - t1) / 1e3).toFixed(1),
    'cpu',
    ((c2.user - c1.user) / 1e6).toFixed(1),
    JSON.stringify(ax),
    o['misaligned'],
    o['misaligned.perToken'],
    o['coherent'],
  );
}
console.log('rss', Math.round(process.resourceUsage().maxRSS / 1024));
