/** Scenes with their swaps, side by side, and how near each picture lies to each caption: for readers who want to see what was asked. */
import { foldedSection } from '#report/figure.ts';
import { type Markup, markup } from '#report/markup.ts';
import type { ReportedStudy, ReportInput, ScenePair, ShownPairs } from '#report/report-input.ts';
import { armLabel } from '#report/wording.ts';

const DIGITS = 4;

/** Pairs of one run an arm, folded; absent where no run kept any. */
export function pairsSection({ study, pairs = [] }: ReportInput): Markup | undefined {
  if (pairs.length === 0) return undefined;
  return foldedSection('pairs', 'Pictures and captions, side by side', [
    markup`<p>A few pictures and their swaps, with the cosine of each with each caption; in bold the caption that is nearer. Right is the caption above its own picture. Shown as they are; verdicts rest on all scenes of all runs.</p>`,
    ...pairs.map((shown) => armItem(study, shown)),
  ]);
}

function armItem(study: ReportedStudy, { arm, pairs }: ShownPairs): Markup {
  return markup`<div class="asked"><h3>${armLabel(study, arm)}</h3><div class="pairs">${pairs.map(pairItem)}</div></div>`;
}

function pairItem({ pictures, captions, cosines }: ScenePair): Markup {
  const shown = pictures.map((png, i) => {
    const caption = captions[i] ?? '';
    const own = cosines[i] ?? [];
    const nearest = Math.max(...own);
    const lines = captions.map((text, j) => {
      const cosine = own[j] ?? Number.NaN;
      const line = markup`${cosine.toFixed(DIGITS)} ${text}`;
      return markup`<li>${cosine === nearest && own[0] !== own[1] ? markup`<b>${line}</b>` : line}</li>`;
    });
    return markup`<div class="scene"><p>${caption}</p><img alt="${caption}" src="data:image/png;base64,${png}"><ul>${lines}</ul></div>`;
  });
  return markup`<div class="pair">${shown}</div>`;
}
