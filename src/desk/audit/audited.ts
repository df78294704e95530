/** What is audited, whichever kind of table it was read from, and what the kinds have in common. */
import type { AnalysedStudy } from '#analysis/analyse.ts';
import type { Frame, FrameRun } from '#analysis/frame.ts';
import { AssayError, nearestName } from '#base/errors.ts';
import type { ReportedStudy } from '#report/report-input.ts';
import type { Contrast } from '#study/study.ts';

import type { AuditMap } from './audit-map.ts';

/** What is audited. */
export interface Audit {
  readonly frame: Frame;
  readonly study: AnalysedStudy & ReportedStudy;
  /** Sentences; some only say that a choice was made for the user. */
  readonly doubts: readonly string[];
}

/** The order in which stores give their runs, so that an export's audit is the study's analysis to the last bit. */
export function byPlace(a: FrameRun, b: FrameRun): number {
  if (a.arm !== b.arm) return a.arm < b.arm ? -1 : 1;
  return (a.learningRate ?? 0) - (b.learningRate ?? 0) || a.block - b.block;
}

/** The item of that name. */
export function named<Item extends { readonly name: string }>(items: readonly Item[], name: string): Item | undefined {
  return items.find((item) => item.name === name);
}

/** All arms of the table, and those that only have a label, with their labels. */
export function labelledArms(arms: readonly string[], { labels }: AuditMap): { name: string; label: string }[] {
  return [...new Set([...arms, ...Object.keys(labels)])].map((name) => ({
    name,
    label: (Object.hasOwn(labels, name) ? labels[name] : undefined) ?? name,
  }));
}

/** Contrasts as the user chose them, with the controls that were named beside. */
export function chosen(map: AuditMap, proposed: readonly Contrast[], arms: readonly string[]): Contrast[] {
  const asked = map.contrasts ?? [];
  for (const arm of asked.flatMap((contrast) => [contrast.arm, contrast.reference])) {
    if (map.origin === 'plan' || arms.includes(arm)) continue;
    const near = nearestName(arm, arms) ?? '';
    throw new AssayError('usage', `Expected an arm of the table, found "${arm}". Did you mean "${near}"?`);
  }
  return [...asked, ...proposed.filter(({ kind }) => kind === 'control')];
}

/** What an audit is called after its file. */
export function nameOf(file: string): string {
  return file.replace(/\.[^.]*$/, '');
}
