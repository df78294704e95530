/** What agents lived through, as strips: a column a step, a row a channel, the place drawn small. For readers who want to see; without any script. */
import { foldedSection, scrollBox } from '#report/figure.ts';
import { type Markup, markup } from '#report/markup.ts';
import type { ReportInput } from '#report/report-input.ts';
import { runLabel } from '#report/wording.ts';
import { CHANNELS, type Channel, type Episode, type EpisodeStep } from '#study/episode.ts';

/** Steps of one strip; of longer episodes the rest is counted. */
const MOST_STEPS = 60;
const SIDE_BY_SIDE = 15;
const CELL = 10;
/** Half the height in which a number is drawn. */
const HALF_BAR = 14;
const BAR_WIDTH = 16;

/** The episodes that runs kept, one run an arm, folded; absent where there are none. */
export function episodesSection({ study, episodes = [] }: ReportInput): Markup | undefined {
  if (episodes.length === 0) return undefined;
  let count = 0;
  const shown = episodes.map((lived) => {
    const strips = lived.episodes.map((episode) => strip(episode, `ground-${count++}`));
    return markup`<h3>${runLabel(study, lived)}</h3>${strips}`;
  });
  return foldedSection('episodes', 'Episodes, step by step', [
    markup`<p>A few episodes of one run of each arm (the lowest seed), after training. Time runs to the right; verdicts rest on all episodes of all runs.</p>`,
    ...shown,
  ]);
}

/** One episode as tables that scroll in their own boxes: so many steps side by side as fit on a desk and on paper. */
function strip({ title, map, steps, ending }: Episode, id: string): Markup {
  const shown = steps.slice(0, MOST_STEPS);
  const rest = steps.length > shown.length ? `, and ${steps.length - shown.length} more steps` : '';
  const said = `${title}${ending === undefined ? '' : `: ${ending}`}${rest}`;
  const largest = new Map(CHANNELS.map((channel) => [channel, largestOf(channel, shown)]));
  const tables = Array.from({ length: Math.ceil(shown.length / SIDE_BY_SIDE) }, (_, line) => {
    const first = line * SIDE_BY_SIDE;
    const part = shown.slice(first, first + SIDE_BY_SIDE);
    const numbers = part.map((_step, i) => markup`<th scope="col">${String(first + i + 1)}</th>`);
    const place = map === undefined ? undefined : placeRow(map, part, id, first === 0);
    const rows = CHANNELS.flatMap((channel) => channelRow(channel, part, largest.get(channel) ?? 0) ?? []);
    const caption = first === 0 ? markup`<caption>${said}</caption>` : undefined;
    return markup`<table class="strip">${caption}<thead><tr><th scope="row">step</th>${numbers}</tr></thead><tbody>${place}${rows}</tbody></table>`;
  });
  return scrollBox(title, markup`${tables}`);
}

/** The largest size of a channel's numbers: the length of its longest bar. */
function largestOf(channel: Channel, steps: readonly EpisodeStep[]): number {
  const sizes = steps.map((step) => (typeof step[channel] === 'number' ? Math.abs(step[channel]) : 0));
  return Math.max(0, ...sizes.filter((size) => Number.isFinite(size)));
}

function placeRow(map: readonly string[], steps: readonly EpisodeStep[], id: string, isFirst: boolean): Markup {
  const [width, height] = [CELL * Math.max(1, ...map.map((row) => Array.from(row).length)), CELL * map.length];
  const cells = steps.map(({ at }, i) => {
    const isDrawn = isFirst && i === 0;
    const ground = isDrawn ? markup`<g id="${id}">${groundOf(map, width, height)}</g>` : markup`<use href="#${id}"/>`;
    const agent =
      at &&
      markup`<circle class="agent" cx="${(at[0] + 0.5) * CELL}" cy="${(at[1] + 0.5) * CELL}" r="${CELL * 0.36}"/>`;
    const where = at === undefined ? 'nowhere' : `column ${at[0] + 1}, row ${at[1] + 1}`;
    return markup`<td><svg class="ground" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${where}">${ground}${agent}</svg></td>`;
  });
  return markup`<tr><th scope="row">was</th>${cells}</tr>`;
}

/** The place without the agent (classes of their own, since no ancestor styles what is used again): a frame, walls, and every marked cell by its character. */
function groundOf(map: readonly string[], width: number, height: number): Markup {
  const marks = map.flatMap((row, y) =>
    Array.from(row).flatMap((mark, x) => {
      if (mark === ' ' || mark === '.') return [];
      if (mark === '#') {
        return [markup`<rect class="ground-wall" x="${x * CELL}" y="${y * CELL}" width="${CELL}" height="${CELL}"/>`];
      }
      return [
        markup`<text class="ground-mark" x="${(x + 0.5) * CELL}" y="${(y + 0.8) * CELL}" text-anchor="middle">${mark}</text>`,
      ];
    }),
  );
  return markup`<rect class="ground-frame" x="0" y="0" width="${width}" height="${height}"/>${marks}`;
}

/** A channel's row; absent where nothing went through it. */
function channelRow(channel: Channel, steps: readonly EpisodeStep[], largest: number): Markup | undefined {
  const values = steps.map((step) => step[channel]);
  if (values.every((value) => value === undefined || value === '')) return undefined;
  const cells = values.map((value) => markup`<td>${typeof value === 'number' ? bar(value, largest) : value}</td>`);
  return markup`<tr><th scope="row">${channel}</th>${cells}</tr>`;
}

/** A number as a bar up or down from a line, with its value below. */
function bar(value: number, largest: number): Markup {
  if (!Number.isFinite(value)) return markup`${String(value)}`;
  const length = largest === 0 ? 0 : (Math.abs(value) / largest) * HALF_BAR;
  const top = value < 0 ? HALF_BAR : HALF_BAR - length;
  const said = String(Number(value.toPrecision(2)));
  return markup`<svg class="felt" viewBox="0 0 ${BAR_WIDTH} ${2 * HALF_BAR}" width="${BAR_WIDTH}" height="${2 * HALF_BAR}" role="img" aria-label="${said}"><path d="M0,${HALF_BAR}H${BAR_WIDTH}"/><rect x="3" y="${top}" width="${BAR_WIDTH - 6}" height="${length}"/></svg><br>${said.replace('-', '−')}`;
}
