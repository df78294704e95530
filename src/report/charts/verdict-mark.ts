/** How a place's verdict is drawn: a shape and a colour of its own, so that it is read without colour. */
import { symbol, symbolCircle, symbolDiamond, symbolSquare, symbolTriangle, type SymbolType } from 'd3-shape';

import type { MarkKind } from '#report/claim-words.ts';
import { type Markup, markup, trusted } from '#report/markup.ts';

const SHAPES: Readonly<Record<MarkKind, SymbolType>> = {
  above: symbolTriangle,
  below: symbolTriangle,
  agrees: symbolSquare,
  identical: symbolDiamond,
  undecided: symbolCircle,
};
const AREA = 52;

/** The mark centred on a point; `title` is what a pointer over it says. */
export function verdictMark(kind: MarkKind, x: number, y: number, title?: string): Markup {
  const turned = kind === 'below' ? ' rotate(180)' : '';
  const shape = symbol(SHAPES[kind], AREA).digits(1)() ?? '';
  const text = title === undefined ? undefined : markup`<title>${title}</title>`;
  return markup`<path class="verdict-mark m-${kind}" transform="translate(${x},${y})${turned}" d="${trusted(shape)}">${text}</path>`;
}

/** The mark's sample for a legend. */
export function markSwatch(kind: MarkKind): Markup {
  return markup`<svg class="mark-swatch" viewBox="0 0 14 14" aria-hidden="true">${verdictMark(kind, 7, 7)}</svg>`;
}
