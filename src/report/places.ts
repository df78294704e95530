/** Where a study's claims and maps read runs, beside the axes that training moves. */
import { plain } from '#analysis/words/number-text.ts';
import type { Place } from '#study/claim.ts';
import type { ReportInput } from './report-input.ts';

/** An axis that training does not move. */
export interface GivenAxis {
  readonly name: string;
  readonly label: string;
  readonly levels: readonly number[];
}

function placesOf({ study, analysis }: ReportInput): readonly Place[] {
  const claims = [...(study.claims ?? []), ...(analysis.claims ?? [])];
  return [...claims, ...(study.maps ?? [])].map(({ at }) => at);
}

/** The axes at whose given values runs are read, each with all its levels, in the order they are first named. */
export function givenAxes(input: ReportInput): readonly GivenAxis[] {
  const axes = new Map<string, GivenAxis>();
  for (const place of placesOf(input)) {
    if (place.kind !== 'given') continue;
    const known = axes.get(place.axis);
    const levels = [...new Set([...(known?.levels ?? []), ...place.levels])].toSorted((a, b) => a - b);
    axes.set(place.axis, { name: place.axis, label: known?.label ?? place.label, levels });
  }
  return [...axes.values()];
}

/** Whether anything reads the ends of runs. */
export function isReadAtEnd(input: ReportInput): boolean {
  return placesOf(input).some(({ kind }) => kind === 'end');
}

/** What the account says of an axis: its levels. */
export function levelsText({ levels }: GivenAxis): string {
  return levels.map(plain).join(', ');
}
