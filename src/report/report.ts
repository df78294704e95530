/**
 * The report a researcher reads: one self-contained page (no request; one small script it can do without) and the
 * figures' data beside it. First what twenty seconds must do, then the verdicts, then everything else, folded.
 * Pure: the same input gives the same bytes.
 */
import { figureData } from './figure-data.ts';
import { numbered } from './figure.ts';
import { page } from './page.ts';
import type { ReportFile, ReportInput } from './report-input.ts';
import { controlledSection, failuresSection, provenanceSection } from './sections/account.ts';
import { answerSection, headerSection } from './sections/answer.ts';
import { claimsSection } from './sections/claims.ts';
import { episodesSection } from './sections/episodes.ts';
import { exploratorySection } from './sections/exploratory.ts';
import { contrastsSection } from './sections/contrasts.ts';
import { headlineSection } from './sections/headline.ts';
import { levelsSection } from './sections/levels.ts';
import { mapsSection } from './sections/maps.ts';
import { firstPicture, picturesSection } from './sections/pictures.ts';
import { pairsSection } from './sections/pairs.ts';
import { givenSection, saidSection, tablesSection } from './sections/texts.ts';
import { besideSection, controlsSection, whatWouldChangeSection } from './sections/robustness.ts';
import { learningRateSection, trajectoriesSection } from './sections/training.ts';

/** A page and the files that belong beside it. */
export interface Report {
  readonly html: string;
  readonly files: readonly ReportFile[];
}

/** Renders the report of one study. */
export function renderReport(input: ReportInput): Report {
  const files = figureData(input);
  const sections = [
    headerSection(input),
    headlineSection(input),
    firstPicture(input),
    answerSection(input),
    claimsSection(input),
    contrastsSection(input),
    mapsSection(input),
    picturesSection(input),
    controlsSection(input),
    levelsSection(input),
    learningRateSection(input),
    trajectoriesSection(input),
    whatWouldChangeSection(input),
    exploratorySection(input),
    besideSection(input),
    episodesSection(input),
    pairsSection(input),
    saidSection(input),
    tablesSection(input),
    givenSection(input),
    controlledSection(input),
    failuresSection(input),
    provenanceSection(input, files),
  ];
  return { html: numbered(page(input.study.question, sections)).text, files };
}
