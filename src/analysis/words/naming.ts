/** What arms, outcomes and matchings are called in sentences: by their labels where the study gives them. */
import type { Arm, Outcome, Study } from '#study/study.ts';
import { matchingName } from '#analysis/matching/match.ts';

/** The parts of a study that name things; an arm without a label is called by its name. */
export type NamingStudy = Pick<Study, 'scope' | 'matchOn'> & {
  readonly arms?: readonly Pick<Arm, 'name' | 'label' | 'at'>[];
};

/** A label as it reads inside a sentence: "Training loss" loses its capital, "P(harmful)" and "AUC" keep theirs. */
export function midSentence(label: string): string {
  return /^\p{Lu}[\p{Ll}\s]/u.test(label) ? label.charAt(0).toLowerCase() + label.slice(1) : label;
}

/** An outcome inside a sentence. */
export function outcomeText(outcome: Outcome): string {
  return midSentence(outcome.label);
}

/** An arm's label, in quotation marks where it holds punctuation that would end its part of a sentence. */
export function armText({ arms }: NamingStudy, arm: string): string {
  const label = arms?.find(({ name }) => name === arm)?.label ?? arm;
  return /[,;:]/.test(label) ? `“${label}”` : label;
}

/** What is held equal, in a word: "loss", or the axes' labels where one is no loss. */
export function matchedText({ matchOn }: Pick<NamingStudy, 'matchOn'>): string {
  if (matchOn.every((axis) => axis.role !== 'other')) return 'loss';
  return matchOn.map((axis) => midSentence(axis.label)).join(' and ');
}

/** "training loss", or what the study calls the axis of a matching. */
export function matchingText({ matchOn }: NamingStudy, name: string): string {
  if (name === 'joint') return 'training and held-out loss jointly';
  const axis = matchOn.find((one) => matchingName(one) === name);
  return axis === undefined ? name : midSentence(axis.label);
}
