/** What runs said beside what that scored, and what they were given to learn: for readers who want to see, not to count. */
import { dataTable, foldedSection } from '#report/figure.ts';
import { type Markup, markup } from '#report/markup.ts';
import type { AskedQuestion, GivenRows, ReportedStudy, ReportInput } from '#report/report-input.ts';
import { armLabel, runLabel } from '#report/wording.ts';

/** Longer texts are cut here, with how much is missing. */
const MOST_CHARS = 800;

/** Questions with one run's reply an arm, folded; absent where there are none. */
export function saidSection({ study, replies = [] }: ReportInput): Markup | undefined {
  if (replies.length === 0) return undefined;
  const items = replies.map((asked) => questionItem(study, asked));
  return foldedSection('said', 'Replies beside their scores', [
    markup`<p>The first questions of each evaluation, and one run of each arm at its last measured moment (the first sample, the lowest seed). Shown as they are; verdicts rest on all replies of all runs.</p>`,
    ...items,
  ]);
}

function questionItem(study: ReportedStudy, { evaluation, question, replies }: AskedQuestion): Markup {
  const items = replies.map((reply) => {
    const who = reply.step === 0 ? 'The base model, before any step' : `${runLabel(study, reply)}, step ${reply.step}`;
    const scores = reply.scores === '' ? 'no score' : reply.scores;
    return markup`<li><p><b>${who}</b> <span class="evidence">${scores}</span></p><p class="said">${cut(reply.text)}</p></li>`;
  });
  return markup`<div class="asked"><h3>${evaluation}</h3><p class="said question">${cut(question)}</p><ul>${items}</ul></div>`;
}

/** The first training rows as runs met them, folded; absent where no run kept any. */
export function givenSection({ study, given = [] }: ReportInput): Markup | undefined {
  if (given.length === 0) return undefined;
  return foldedSection('given', 'What runs were given', [
    markup`<p>The first training rows, with the model’s special tokens; what is learned is <mark>marked</mark>, the rest is only read.</p>`,
    ...given.map((rows) => givenItem(study, rows, given.length > 1)),
  ]);
}

/** Tables that runs kept, one run an arm, folded; absent where there are none. */
export function tablesSection({ study, tables = [] }: ReportInput): Markup | undefined {
  if (tables.length === 0) return undefined;
  const items = tables.map(({ title, columns, rows, ...run }) =>
    dataTable({
      caption: `${title}: ${runLabel(study, run)}.`,
      columns: columns.map((label) => ({ label })),
      rows: rows.map((row) => row.map(cut)),
    }),
  );
  return foldedSection('tables', 'Examples beside the numbers', [
    markup`<p>What runs kept to be looked at: one run of each arm, the lowest seed. No verdict rests on it.</p>`,
    ...items,
  ]);
}

function givenItem(study: ReportedStudy, { arms, rows }: GivenRows, isNamed: boolean): Markup {
  const title = isNamed ? markup`<h3>${arms.map((arm) => armLabel(study, arm)).join(', ')}</h3>` : undefined;
  const texts = rows.map((pieces) => {
    const shown = pieces.map(({ text, isLearned }) => (isLearned ? markup`<mark>${cut(text)}</mark>` : cut(text)));
    return markup`<p class="said">${shown}</p>`;
  });
  return markup`${title}${texts}`;
}

/** A text as it is, or its beginning with how much is left out. */
function cut(text: string): string {
  const characters = Array.from(text);
  if (characters.length <= MOST_CHARS) return text === '' ? '(empty)' : text;
  return `${characters.slice(0, MOST_CHARS).join('')} … (${characters.length - MOST_CHARS} more characters)`;
}
