import { finetunePersona } from '#recipes/finetune-persona.ts';
import { withSettings, settingsOf } from '#study/settings.ts';
import { MUON_DEFAULTS } from '#learning/optim/muon.ts';
import { SGD_DEFAULTS } from '#learning/optim/sgd.ts';
import { writeFileSync } from 'node:fs';
const recipe = finetunePersona();
const lora = (rank: number) => ({
  method: { kind: 'lora', rank, alpha: 16, scaling: 'alphaOverRank', modules: 'all' },
});
const arms: Record<string, { set: any; rates: number[] }> = {
  'adamw-full': { set: {}, rates: [2e-4, 5e-4, 1e-3, 2e-3] },
  'adamw-matrices': { set: { method: { kind: 'matrices' } }, rates: [2e-4, 5e-4, 1e-3, 2e-3] },
  muon: { set: { method: { kind: 'matrices' }, optimizer: { ...MUON_DEFAULTS } }, rates: [2e-3, 5e-3, 1e-2, 2e-2] },
  'lora-1': { set: lora(1), rates: [2e-3, 5e-3, 1e-2, 2e-2] },
  'lora-16': { set: lora(16), rates: [1e-3, 2e-3, 5e-3, 1e-2] },
  helpful: { set: { helpfulWeight: 1 }, rates: [2e-4, 5e-4, 1e-3] },
  cosine: { set: { schedule: { kind: 'cosine', warmupSteps: 0, finalFraction: 0 } }, rates: [1e-3, 2e-3] },
  sgd: { set: { optimizer: { ...SGD_DEFAULTS, momentum: 0.9 } }, rates: [1e-2, 3e-2, 1e-1] },
};
const all: any[] = [];
const only = process.argv[2]?.split(',');
for (const [arm, { set, rates }] of Object.entries(arms))
  if (!only || only.includes(arm))
    for (const rate of rates)
      for (const block of [0, 1]) {
        const config: any = withSettings(
          recipe.defaults,
          settingsOf(
            {
              ...set,
              learningRate: rate,
              'measure.levels': { train: [1.6, 0.8, 0.4, 0.2, 0.1], heldOut: [3, 2.5, 2, 1.6, 1.3, 1, 0.8] },
            },
            'scout',
          ),
        );
        const points: any[] = [];
        const t = performance.now();
        const end = await recipe.run({
          config,
          block,
          resumeFrom: undefined,
          record: (p) => points.push(p),
          checkpoint: async () => {},
          progress: () => {},
          shared: (_n, _k, c) => c(),
          signal: new AbortController().signal,
        });
        const at = (axis: string, level: number) => {
          for (let i = 1; i < points.length; i++) {
            const a = points[i - 1].axes[axis],
              b = points[i].axes[axis];
            if (a > level && b <= level && points[i].outcomes && points[i - 1].outcomes) {
              const w = (a - level) / (a - b);
              return {
                h: points[i - 1].outcomes.harmful * (1 - w) + points[i].outcomes.harmful * w,
                gap: a - b,
                step: points[i].step,
                c: points[i].outcomes.coherence,
                other: points[i].axes[axis === 'train' ? 'heldOut' : 'train'],
              };
            }
          }
          return undefined;
        };
        const last = points.at(-1);
        const minHeld = Math.min(...points.map((p) => p.axes.heldOut));
        const f = (x: any) =>
          x ? `${x.h.toFixed(2)}(g${x.gap.toFixed(2)},s${x.step},o${x.other.toFixed(2)},c${x.c.toFixed(2)})` : '-';
        console.log(
          arm,
          rate,
          'b' + block,
          end.kind,
          'steps',
          last?.step,
          `${((performance.now() - t) / 1000).toFixed(1)}s n${points.length}`,
          'final train',
          last?.axes.train.toFixed(3),
          'held',
          last?.axes.heldOut.toFixed(2),
          'min',
          minHeld.toFixed(2),
          '| train',
          ['1.6', '0.8', '0.4', '0.2', '0.1'].map((l) => f(at('train', +l))).join(' '),
          '| held',
          ['2', '1.6', '1.3', '1', '.8'].map((l) => f(at('heldOut', +l))).join(' '),
        );
        all.push({ arm, rate, block, points });
      }
writeFileSync(`/tmp/scout-${process.argv[2] ?? 'all'}.json`, JSON.stringify(all));
