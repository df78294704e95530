/** The range of an axis: all the data, padded to round numbers, never narrower than what matters. */
import { scaleLinear } from 'd3-scale';

/** What a domain must contain beside the data. */
export interface DomainRule {
  /** The least width of the domain. */
  readonly minSpan?: number;
  /** Start at zero if the data are all on one side and come near it. */
  readonly includeZero?: boolean;
  /** Round the ends outward to ticks. */
  readonly isNice?: boolean;
}

/** Zero is included if it adds at most this share of the data's own span. */
const NEAR_ZERO_FRACTION = 0.5;

/** Lowest and highest of the finite values under the rule; [0, 1] where there are none. */
export function dataDomain(values: readonly number[], rule: DomainRule = {}): readonly [low: number, high: number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return [0, 1];
  if (rule.includeZero && low > 0 && low <= NEAR_ZERO_FRACTION * (high - low)) low = 0;
  const missing = Math.max(0, (rule.minSpan ?? 0) - (high - low));
  if (missing > 0)
    [low, high] = low >= 0 && low < missing / 2 ? [0, rule.minSpan ?? high] : [low - missing / 2, high + missing / 2];
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  if (rule.isNice === false) return [low, high];
  const [start = low, end = high] = scaleLinear().domain([low, high]).nice(6).domain();
  return [start, end];
}
