/** Shares of a whole as one horizontal bar, told apart by shade and order; the numbers stand beside it in its table. */
import { chartFrame, type ChartText } from './plot-area.ts';
import { type Markup, markup } from '#report/markup.ts';

/** Shares in [0, 1]; they sum to 1 up to rounding. */
export interface ShareBar extends ChartText {
  readonly shares: readonly number[];
}

const SIZE = { width: 220, height: 14 };

/** The bar as SVG. */
export function shareBar(bar: ShareBar): Markup {
  let x = 0;
  const parts = bar.shares.map((share, index) => {
    const width = Math.max(0, Math.min(1, share)) * SIZE.width;
    const part = markup`<rect class="share share-${index}" x="${x}" y="0" width="${width}" height="${SIZE.height}"/>`;
    x += width;
    return part;
  });
  return chartFrame(SIZE.width, SIZE.height, 'shares', bar, parts);
}
