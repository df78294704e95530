/** Episodes that pass one profile and fail another, each as every profile reads it, side by side. */
import { plain } from '#analysis/words/number-text.ts';
import { type Markup, markup } from '#report/markup.ts';
import { isSeen } from '#scoring/profile.ts';
import {
  type EpisodeReading,
  type EpisodeRecord,
  isSplit,
  type ProfileRecord,
  type ScoreRecord,
} from '#scoring/score-transcripts.ts';
import { type Step, textOfStep } from '#scoring/transcript.ts';

import { noSplitText, shareText } from './score-words.ts';

/** So many are shown; the table beside the page has all. */
const MOST_EPISODES = 20;
/** Longer texts are cut here; what counted is cut later. */
const MOST_CHARS = 280;
const MOST_COUNTED_CHARS = 1200;
/** Steps of an episode around those that counted. */
const MOST_STEPS = 12;

/** The section. */
export function splitSection({ episodes, profiles }: ScoreRecord): Markup {
  const split = episodes.filter(isSplit);
  if (split.length === 0) {
    return markup`<section><h2>Where readings disagree</h2><p>${noSplitText(episodes)}</p></section>`;
  }
  const more = split.length > MOST_EPISODES ? markup`<p>The first ${String(MOST_EPISODES)} are shown.</p>` : undefined;
  return markup`<section><h2>Where readings disagree</h2><p>${String(split.length)} of ${String(episodes.length)} episodes pass one reading and fail another. Each stands here as every reading meets it: what it does not judge is grey, and what counted is named.</p>${more}${split.slice(0, MOST_EPISODES).map((one) => splitEpisode(one, profiles))}</section>`;
}

function splitEpisode({ transcript, readings }: EpisodeRecord, profiles: readonly ProfileRecord[]): Markup {
  const columns = profiles.flatMap((one) => {
    const reading = readings[one.profile];
    return reading?.kind === 'score' ? [column(one, reading, transcript.steps)] : [];
  });
  const task = transcript.task === undefined ? '' : ` (task ${transcript.task})`;
  return markup`<article class="split"><h3>${transcript.id}${task}</h3><div class="readings">${columns}</div></article>`;
}

type Scored = Extract<EpisodeReading, { kind: 'score' }>;

function column({ profile, isJudgingWords }: ProfileRecord, reading: Scored, steps: readonly Step[]): Markup {
  const counted = new Map<number, string[]>();
  for (const { rule, counts, degree, steps: by } of reading.rules) {
    if (degree === 0) continue;
    for (const step of by)
      counted.set(step, [...(counted.get(step) ?? []), `${counts > 0 ? '+' : '−'}${plain(Math.abs(counts))} ${rule}`]);
  }
  const shown = shownSteps(steps, counted);
  const items = shown.map((i) => {
    const step = steps[i];
    return step === undefined
      ? undefined
      : stepItem(step, counted.get(i), isSeen(step, profile) && (isJudgingWords || step.channel !== 'utterance'));
  });
  const unmet = reading.rules
    .filter(({ counts, degree }) => counts > 0 && degree < 1)
    .map(({ rule }) => markup`<li class="unmet">lacking: ${rule}</li>`);
  const left =
    steps.length > shown.length
      ? markup`<li class="free">${String(steps.length - shown.length)} further steps</li>`
      : undefined;
  const how = reading.passes ? 'passes' : 'fails';
  return markup`<section class="reading ${how}"><h4>${profile}: ${how} <span class="evidence">${shareText(reading.score)}</span></h4><ol>${items}${left}${unmet}</ol></section>`;
}

/** The steps that counted, and the first others up to the limit, in order. */
function shownSteps(steps: readonly Step[], counted: ReadonlyMap<number, unknown>): readonly number[] {
  const all = [...steps.keys()];
  const others = all.filter((i) => !counted.has(i)).slice(0, Math.max(0, MOST_STEPS - counted.size));
  return [...[...counted.keys()].slice(0, MOST_STEPS), ...others].toSorted((a, b) => a - b);
}

function stepItem(step: Step, counted: readonly string[] | undefined, isRead: boolean): Markup {
  const text = cut(textOfStep(step), counted === undefined ? MOST_CHARS : MOST_COUNTED_CHARS);
  const isJudged = isRead && JUDGED.has(step.channel);
  const marks = counted?.map(
    (mark) => markup`<b class="counted ${mark.startsWith('+') ? 'for' : 'against'}">${mark}</b> `,
  );
  return markup`<li class="${isJudged ? 'judged' : 'free'}"><span class="channel">${step.channel}</span> ${marks}<span class="step-text">${text}</span></li>`;
}

/** What comes from the agent, or shows what it did; the rest was said to it. */
const JUDGED: ReadonlySet<Step['channel']> = new Set(['thought', 'utterance', 'action', 'state']);

function cut(text: string, most: number): string {
  const characters = Array.from(text);
  return characters.length <= most ? text : `${characters.slice(0, most).join('')} …`;
}
