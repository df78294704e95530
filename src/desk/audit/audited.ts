/** What is audited, whichever kind of table it was read from, and what the kinds have in common. */
import type { AnalysedStudy } from '#analysis/analyse.ts';
import type { Frame, FrameRun } from '#analysis/frame.ts';
import { midSentence } from '#analysis/words/naming.ts';
import { AssayError, nearestName } from '#base/errors.ts';
import type { ReportedStudy } from '#report/report-input.ts';
import type { Claim } from '#study/claim.ts';
import type { Arm, Contrast, Outcome } from '#study/study.ts';

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
export function labelledArms(
  arms: readonly string[],
  { labels, places = {} }: AuditMap,
): Pick<Arm, 'name' | 'label' | 'at'>[] {
  return [...new Set([...arms, ...Object.keys(labels)])].map((name) => {
    const at = Object.hasOwn(places, name) ? places[name] : undefined;
    return {
      name,
      label: (Object.hasOwn(labels, name) ? labels[name] : undefined) ?? name,
      ...(at !== undefined && { at }),
    };
  });
}

/** Every arm at its end against every number known beforehand. @throws AssayError where one is of no outcome. */
export function valueClaims({ values = [] }: AuditMap, arms: readonly string[], outcomes: readonly Outcome[]): Claim[] {
  return values.flatMap(({ outcome, value, label }) => {
    const names = outcomes.map(({ name }) => name);
    if (!names.includes(outcome)) {
      const near = nearestName(outcome, names) ?? '';
      throw new AssayError(
        'usage',
        `Expected a value for one of the outcomes ${names.join(', ')}, found "${outcome}". Did you mean "${near}"?`,
      );
    }
    const isAlone = values.filter((one) => one.label === label).length === 1;
    const called = label === undefined ? `${outcome} ${value}` : isAlone ? label : `${label} (${outcome} ${value})`;
    return arms.map((arm): Claim => ({
      name: `${arm} vs ${called}`,
      arm,
      against: { kind: 'value', value, label: label ?? String(value) },
      at: { kind: 'end' },
      outcomes: [outcome],
      asks: { kind: 'question' },
    }));
  });
}

/** The claims of a map. @throws AssayError where one names an arm, an outcome or an axis that is not there. */
export function claimsOf(
  { claims = [], origin }: AuditMap,
  known: { readonly arms: readonly string[]; readonly outcomes: readonly string[]; readonly axes: readonly string[] },
): readonly Claim[] {
  const check = (what: string, name: string, names: readonly string[]): void => {
    if (names.includes(name)) return;
    const near = nearestName(name, names);
    const hint = near === undefined ? '' : ` Did you mean "${near}"?`;
    throw new AssayError('usage', `Expected ${what} of the table in a claim, found "${name}".${hint}`);
  };
  for (const { arm, against, at, outcomes = [] } of claims) {
    const others = against.kind === 'arm' ? [against.arm] : against.kind === 'arms' ? Object.keys(against.weights) : [];
    // An export may lack arms that were planned and not run.
    for (const name of origin === 'user' ? [arm, ...others] : []) check('an arm', name, known.arms);
    for (const name of [...outcomes, ...(against.kind === 'outcome' ? [against.outcome] : [])]) {
      check('an outcome', name, known.outcomes);
    }
    if (at.kind === 'crossed' || at.kind === 'trend') check('a matched axis', at.axis, known.axes);
  }
  return claims;
}

/** All claims of an audit. @throws AssayError where two have one name. */
export function namedApart(claims: readonly Claim[]): readonly Claim[] {
  const names = claims.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new AssayError('usage', `Expected claims with a name each, found "${twice}" twice.`);
  return claims;
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

/** What claims ask, where nobody put it into words. */
export function claimsQuestion(claims: readonly Claim[], outcomes: readonly Outcome[]): string {
  const questions = claims.filter(({ asks }) => asks.kind === 'question');
  // What arms are asked of each other comes before what every arm is asked.
  const ofArms = questions.filter(({ against }) => against.kind === 'arm');
  const asked = ofArms.length > 0 ? ofArms : questions;
  const others = asked.map(({ against }) =>
    against.kind === 'arm' ? against.arm : against.kind === 'outcome' ? against.outcome : against.label,
  );
  const measured = outcomes.map(({ label }) => midSentence(label)).join(', ');
  const arms = [...new Set(asked.map(({ arm }) => arm))].join(' or ');
  const end = asked.every(({ at }) => at.kind === 'end') ? ' at the end of training' : '';
  return `Does ${arms} differ from ${[...new Set(others)].join(' or ')} in ${measured}${end}?`;
}
