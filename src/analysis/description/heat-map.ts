/** What would change a verdict: the decision rule at other deltas, and every matching, level and learning rate alone. */
import type { HeatCell, HeatMap } from '#analysis/records/analysis-record.ts';
import { decide, type Evidence, type Rule } from '#analysis/verdict/decide.ts';
import { intervalOf, isEquivalent, type Estimate } from '#analysis/stats/estimate.ts';

/** Deltas shown, in units of the study's. */
const FACTORS = [0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4];

/** The map of one verdict; `blocked` where rule 0 leaves it undecided whatever delta is. */
export function heatMapOf(
  evidence: Evidence,
  levelsOf: (matching: string, level: number) => HeatCell['level'],
  rule: Rule,
  blocked: boolean,
): HeatMap {
  const deltas = FACTORS.map((factor) => factor * rule.delta);
  const cells: HeatCell[] = [];
  const add = (place: Pick<HeatCell, 'matching' | 'level' | 'learningRate'>, estimate: Estimate): void => {
    cells.push({
      ...place,
      estimate: estimate.mean,
      ci95: intervalOf(estimate, 0.95),
      ci90: intervalOf(estimate, 0.9),
      byDelta: deltas.map((delta) => readingAt(estimate, { ...rule, delta })),
    });
  };
  for (const matching of [...evidence.singles, ...(evidence.joint?.kind === 'estimated' ? [evidence.joint] : [])]) {
    const name = matching.name;
    add({ matching: name, level: 'all', learningRate: 'all' }, matching.overall);
    for (const { level, estimate } of matching.levels) {
      add({ matching: name, level: levelsOf(name, level), learningRate: 'all' }, estimate);
    }
    for (const rate of matching.rates) {
      const learningRate = { side: rate.side, rate: rate.rate };
      add({ matching: name, level: 'all', learningRate }, rate.overall);
      for (const { level, estimate } of rate.levels) {
        add({ matching: name, level: levelsOf(name, level), learningRate }, estimate);
      }
    }
  }
  const verdicts = deltas.map((delta) => (blocked ? 'undecided' : decide(evidence, { ...rule, delta }).kind));
  return { deltas, verdicts, cells };
}

/** What one cell alone shows: an interval off zero with an estimate of delta or more, equivalence, or neither. */
function readingAt(estimate: Estimate, rule: Rule): HeatCell['byDelta'][number] {
  if (isEquivalent(estimate, rule.delta, rule.alpha)) return 'equivalent';
  const [low, high] = intervalOf(estimate, 1 - rule.alpha);
  return Math.abs(estimate.mean) >= rule.delta && (low > 0 || high < 0) ? 'effect' : 'neither';
}
