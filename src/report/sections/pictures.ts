/** The page's first picture, and those of the other outcomes: behaviour along training, profiles, ends, or the first claim's. */
import type { Outcome } from '#study/study.ts';
import { claimsByImportance, questionsOf } from '#report/claim-words.ts';
import { type Markup, markup } from '#report/markup.ts';
import type { ReportInput } from '#report/report-input.ts';
import { behaviourFigure, confirmatory } from './behaviour.ts';
import { claimFigures } from './claim-figures.ts';
import { profileFigures } from './profiles.ts';

/** Right under the headline: the first claim's figure in a study of claims alone, else the first outcome's behaviour. */
export function firstPicture(input: ReportInput): Markup | undefined {
  return isOfClaims(input) ? claimPictures(input)[0] : allPictures(input)[0];
}

/** All other pictures of confirmatory outcomes. */
export function picturesSection(input: ReportInput): Markup | undefined {
  const pictures = isOfClaims(input) ? allPictures(input) : allPictures(input).slice(1);
  if (pictures.length === 0) return undefined;
  const title = isOfClaims(input) ? 'Runs' : 'Other pictures';
  return markup`<section aria-labelledby="pictures"><h2 id="pictures">${title}</h2>${pictures}</section>`;
}

/** Whether the study asks claims alone: then a claim's figure comes first. */
export function isOfClaims({ analysis }: ReportInput): boolean {
  return analysis.verdicts.length === 0 && questionsOf(analysis.claims).length > 0;
}

/** The figures of the questions among claims, the most important first. */
export function claimPictures(input: ReportInput): readonly Markup[] {
  return claimFigures(input, claimsByImportance(questionsOf(input.analysis.claims)));
}

function allPictures(input: ReportInput): readonly Markup[] {
  return confirmatory(input).flatMap((outcome) => outcomePictures(input, outcome));
}

/** An outcome along training, along axes that are given, and at the end, wherever it was measured. */
export function outcomePictures(input: ReportInput, outcome: Outcome): readonly Markup[] {
  return [behaviourFigure(input, outcome), ...profileFigures(input, outcome)].filter((one) => one !== undefined);
}
