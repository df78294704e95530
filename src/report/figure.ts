/** The two ways a report shows data: a captioned figure with its data file, and a captioned table that scrolls in its own box. */
import { type Markup, markup, type MarkupPart, trusted } from './markup.ts';

/** A figure: panels side by side where the page is wide enough, stacked where it is not. */
export interface FigureInput {
  readonly id: string;
  /** What is seen, in one sentence; stands first in the caption. */
  readonly title: string;
  /** How to read it. */
  readonly caption: MarkupPart;
  readonly panels: readonly Markup[];
  /** How many panels stand in a row on a desk: `wide` two, `third` three, `small` four. */
  readonly layout: 'wide' | 'third' | 'small';
  readonly legend?: Markup;
  /** Name of the file with the figure's data. */
  readonly dataFile?: string;
}

/** One column of a table; numbers are aligned right. */
export interface Column {
  readonly label: string;
  readonly isNumber?: boolean;
}

/** A table: the first cell of a row is its header. */
export interface TableInput {
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly MarkupPart[])[];
}

/** The figure as HTML; `numbered` gives it its number. */
export function figure(input: FigureInput): Markup {
  const data =
    input.dataFile === undefined
      ? undefined
      : markup` <a class="data" href="${input.dataFile}" download>Data: ${input.dataFile}</a>`;
  return markup`<figure id="${input.id}">${input.legend}<div class="panels ${input.layout}">${input.panels}</div><figcaption><b>${input.title}</b> ${input.caption}${data}</figcaption></figure>`;
}

/** A section whose details are folded; what a reader should know without opening it stands in `said`. */
export function foldedSection(id: string, title: string, content: MarkupPart, said?: MarkupPart): Markup {
  return markup`<section class="folded" aria-labelledby="${id}"><details><summary><h2 id="${id}">${title}</h2></summary>${content}</details>${said}</section>`;
}

/** A chart under a title of its own, which wraps where text inside a chart cannot. */
export function titledPanel(title: string, chart: Markup): Markup {
  return markup`<div class="panel"><p class="panel-title">${title}</p>${chart}</div>`;
}

/** The table as HTML; `numbered` gives it its number. */
export function dataTable(input: TableInput): Markup {
  const head = input.columns.map((column) => markup`<th scope="col"${numberClass(column)}>${column.label}</th>`);
  const body = input.rows.map((row) => {
    const cells = row.map((cell, index) =>
      index === 0 ? markup`<th scope="row">${cell}</th>` : markup`<td${numberClass(input.columns[index])}>${cell}</td>`,
    );
    return markup`<tr>${cells}</tr>`;
  });
  return scrollBox(
    input.caption,
    markup`<table><caption><span>${input.caption}</span></caption><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>`,
  );
}

/** A box that scrolls sideways by itself, reachable by keyboard, so that the page never does. */
export function scrollBox(label: string, content: Markup): Markup {
  return markup`<div class="scroll" role="region" tabindex="0" aria-label="${label}">${content}</div>`;
}

/** A page's figures and tables counted from 1; in the style sheet counters would begin anew in every folded part. */
export function numbered(page: Markup): Markup {
  let [figures, tables] = [0, 0];
  return trusted(
    page.text
      .replaceAll('<figcaption>', () => `<figcaption><span class="no">Figure ${++figures}.</span> `)
      .replaceAll('<caption><span>', () => `<caption><span><span class="no">Table ${++tables}.</span> `),
  );
}

function numberClass(column: Column | undefined): Markup | undefined {
  return column?.isNumber ? markup` class="number"` : undefined;
}
