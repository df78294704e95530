/**
 * The page of `assay score`: the readings with their intervals, where they disagree with the text side by side, whether
 * thoughts decide, whether the good is a trade, and what was read. Pure: the same input gives the same bytes.
 */
import { plain } from '#analysis/words/number-text.ts';
import { dataTable, figure, foldedSection, numbered, scrollBox } from '#report/figure.ts';
import { forestPlot } from '#report/charts/interval-marks.ts';
import { csvText } from '#report/csv.ts';
import { type Markup, markup } from '#report/markup.ts';
import { page } from '#report/page.ts';
import type { Report } from '#report/report.ts';
import type { EpisodeEstimate } from '#scoring/episode-interval.ts';
import type { ExplicitnessRecord } from '#scoring/explicitness.ts';
import type { ProfileRecord, ScoreRecord } from '#scoring/score-transcripts.ts';
import type { TradeRecord } from '#scoring/trade-or-values.ts';

import { splitSection } from './disagreements.ts';
import type { ScoreTold } from './score-table.ts';
import { estimateText, PROFILE_READS, shareText } from './score-words.ts';

/** What a page is made of. */
export interface ScorePageInput extends ScoreTold {
  /** Files that were read, with their hashes. */
  readonly files: readonly { readonly name: string; readonly hash: string }[];
  /** What the endpoints were asked and cost, in words. */
  readonly bills: readonly string[];
  readonly command: string;
}

const EPISODES_FILE = 'episodes.csv';

/** Renders the page and the table of all episodes beside it. */
export function renderScorePage(input: ScorePageInput): Report {
  const { record, explicitness, askedTrade } = input;
  const title = `How good, read ${record.profiles.length === 3 ? 'three ways' : record.profiles.map(({ profile }) => profile).join(' and ')}: ${record.good}`;
  const sections = [
    headSection(title, record),
    profilesSection(record),
    splitSection(record),
    ...(explicitness === undefined ? [] : [explicitnessSection(explicitness)]),
    ...(record.trade === undefined
      ? []
      : [tradeSection(record.trade, 'By the agent’s reading, over the terms that transcripts say.')]),
    ...(askedTrade === undefined
      ? []
      : [tradeSection(askedTrade, 'The agent’s decisions, asked again under each of the terms.')]),
    readSection(input),
  ];
  return { html: numbered(page(title, sections)).text, files: [{ name: EPISODES_FILE, content: episodesCsv(record) }] };
}

function headSection(title: string, { episodes, passes }: ScoreRecord): Markup {
  return markup`<header><p class="kicker">Assay · scores of ${episodes.length} ${episodes.length === 1 ? 'episode' : 'episodes'}</p><h1>${title}</h1><p>One transcript, several readings: what is good was declared beforehand, and each reading judges its own channels by it. An episode passes from a score of ${plain(passes)} on.</p></header>`;
}

function profilesSection({ profiles, doubts }: ScoreRecord): Markup {
  const row = (which: 'score' | 'passes') => (one: ProfileRecord) => {
    const estimate = one[which];
    return estimate.kind === 'estimate'
      ? {
          label: one.profile,
          estimate: { value: estimate.value, ci95: estimate.ci95, text: shareText(estimate.value) },
        }
      : { label: one.profile, note: 'not estimable' };
  };
  const chart = forestPlot({
    title: 'Scores by profile',
    description: profiles.map(({ profile, score }) => `${profile}: ${estimateText(score)}`).join('; '),
    axis: { label: 'score, share of episodes', domain: [0, 1] },
    delta: 0,
    groups: [
      { heading: 'Score', rows: profiles.map(row('score')) },
      { heading: 'Episodes that pass', rows: profiles.map(row('passes')) },
    ],
  });
  const table = dataTable({
    caption: 'The readings. Episodes of one task are one unit of the intervals.',
    columns: ['profile', 'score', 'passes', 'episodes', 'units', 'not read', 'missing'].map((label, i) => ({
      label,
      isNumber: i > 2,
    })),
    rows: profiles.map((one) => [
      one.profile,
      estimateText(one.score),
      estimateText(one.passes),
      String(one.episodes),
      unitsOf(one.score),
      String(one.notRead),
      String(Object.values(one.missing).reduce((sum, count) => sum + count, 0)),
    ]),
  });
  const notes = [...profiles.flatMap((one) => notesOf(one)), ...doubts].map((note) => markup`<li>${note}</li>`);
  return markup`<section>${figure({ id: 'profiles', title: 'The readings, with 95% intervals.', caption: 'Squares are means over episodes; lines are never shorter than what unseen episodes leave open. Scores of two readings weigh other rules and are no one scale: compare what passes.', panels: [chart], layout: 'wide', dataFile: EPISODES_FILE })}<ul>${profiles.map(({ profile }) => markup`<li><b>${profile}</b>: ${PROFILE_READS[profile]}</li>`)}</ul>${table}${notes.length === 0 ? undefined : markup`<div class="doubts"><ul>${notes}</ul></div>`}</section>`;
}

function notesOf({ profile, missing, withheldThoughts }: ProfileRecord): readonly string[] {
  const withheld = `${profile}: thoughts were withheld (${withheldThoughts}), and could not be judged as every word is.`;
  return [
    ...Object.entries(missing).map(([reason, count]) => `${profile}: ${count} without a score, ${reason}.`),
    ...(withheldThoughts > 0 ? [withheld] : []),
  ];
}

function explicitnessSection({
  verdict,
  reason,
  score,
  moved,
  agreement,
  repeats,
  episodes,
  questions,
}: ExplicitnessRecord): Markup {
  const table = dataTable({
    caption: 'What becomes of decisions when something is done to the thought, everything else held fixed.',
    columns: [{ label: 'thought' }, { label: 'share of decisions that change' }],
    rows: (['again', 'cut', 'replace', 'paraphrase', 'swap'] as const).flatMap((name) => {
      const estimate = moved[name];
      return estimate === undefined ? [] : [[INTERVENTIONS[name], estimateText(estimate)]];
    }),
  });
  return markup`<section><h2>Are thoughts what decides?</h2><p class="lead v-${verdict === 'explicit' || verdict === 'decorative' ? 'affects' : 'undecided'}">${verdict}: ${reason}.</p><p>Score ${estimateText(score)} over ${episodes} decisions (${questions} questions): 1 where the decision goes with the thought, 0 where it stays.</p>${table}<p><b>Share of decisions that it takes again as it took them</b>, its thought left as it was: ${estimateText(repeats)}. Where that is low, the agent that is asked is not the one that was seen.</p><p><b>Share of episodes whose thought and action agree</b>: ${estimateText(agreement)}. It decides nothing: a thought that only decorates agrees as well as one that acts.</p></section>`;
}

const INTERVENTIONS = {
  again: 'left as it is (the noise of sampling)',
  cut: 'cut out',
  replace: 'replaced by one without content',
  paraphrase: 'said otherwise',
  swap: 'that of an episode which decided otherwise',
} as const;

function tradeSection({ verdict, reason, wouldTell, cells, ...estimates }: TradeRecord, caption: string): Markup {
  const rows = (['base', 'up', 'down', 'routes', 'elasticity'] as const).map((name) => [
    name,
    QUANTITIES[name],
    estimateText(estimates[name]),
  ]);
  const told =
    wouldTell.length === 0
      ? undefined
      : markup`<p>What would tell:</p><ul>${wouldTell.map((text) => markup`<li>${text}</li>`)}</ul>`;
  return markup`<section><h2>Is the good a trade?</h2><p class="lead v-${verdict === 'undecided' || verdict === 'notIdentified' ? 'undecided' : 'affects'}">${VERDICTS[verdict]}: ${reason}.</p>${told}${dataTable({ caption, columns: [{ label: 'quantity' }, { label: 'what it is' }, { label: 'estimate' }], rows })}${dataTable({ caption: 'Mean good under each of the terms.', columns: [{ label: 'payment' }, { label: 'chance of being observed', isNumber: true }, { label: 'good' }], rows: cells.map(({ terms, good }) => [plain(terms.payment), plain(terms.observedChance), estimateText(good)]) })}</section>`;
}

const QUANTITIES = {
  base: 'at no expected pay, above an indifferent agent',
  up: 'what positive pay adds',
  down: 'what negative pay takes away',
  routes: 'nothing offered, less nothing seen',
  elasticity: 'slope in expected pay',
} as const;

const VERDICTS: Readonly<Record<TradeRecord['verdict'], string>> = {
  trade: 'a trade',
  values: 'values',
  mixed: 'both',
  indifferent: 'indifferent',
  none: 'none of these',
  undecided: 'undecided',
  notIdentified: 'not identified',
};

function readSection({ files, bills, command }: ScorePageInput): Markup {
  return foldedSection('read', 'What was read, and the command', [
    markup`<ul>${files.map(({ name, hash }) => markup`<li>${name}: sha256 ${hash}</li>`)}</ul>`,
    ...bills.map((bill) => markup`<p>${bill}</p>`),
    scrollBox('The command', markup`<pre>${command}</pre>`),
  ]);
}

function unitsOf(estimate: EpisodeEstimate): string {
  return estimate.kind === 'estimate' ? String(estimate.units) : '';
}

/** One row an episode and profile. */
function episodesCsv({ episodes, profiles }: ScoreRecord): string {
  const rows = episodes.flatMap(({ transcript, readings }) =>
    profiles.map(({ profile }) => {
      const reading = readings[profile];
      const scored = reading?.kind === 'score' ? reading : undefined;
      const rules = scored?.rules
        .map(({ rule, counts, degree }) => `${rule}: ${plain(degree)} x ${plain(counts)}`)
        .join('; ');
      const passes = scored === undefined ? '' : String(scored.passes);
      return [transcript.id, transcript.task ?? '', profile, scored?.score, passes, rules ?? whyNot(reading)];
    }),
  );
  return csvText(['episode', 'task', 'profile', 'score', 'passes', 'because'], rows);
}

function whyNot(reading: ScoreRecord['episodes'][number]['readings'][keyof typeof PROFILE_READS]): string {
  return reading?.kind === 'missing' ? reading.reason : 'not read by this profile';
}
