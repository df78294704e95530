/** The one whole sentence of a claim on an outcome: what was found at which places, with numbers, what it is held against, and scope. */
import type { Claim } from '#study/claim.ts';
import type { Outcome } from '#study/study.ts';
import type { ClaimLevel } from '#analysis/records/claim-record.ts';
import type { DecidedAt, WhyKind } from '#analysis/records/verdict-record.ts';
import { intervalOf, type Estimate } from '#analysis/stats/estimate.ts';
import type { LookAlpha } from '#analysis/verdict/alpha-spending.ts';
import type { Units } from '#analysis/verdict/clusters.ts';
import type { Rule } from '#analysis/verdict/decide.ts';
import type { Rate } from '#analysis/matching/pair.ts';
import { loneRatesText } from './lone-rates.ts';
import { armText, midSentence, outcomeText, type NamingStudy } from './naming.ts';
import { chosen, intervalText, inUnit, plain, pPhrase, signed } from './number-text.ts';
import { lookText, shareText, unseenText } from './reason.ts';

/** One level as it is spoken of. */
export interface SpokenLevel {
  readonly level: ClaimLevel['level'];
  /** "depth 2", "the end of training", "training loss 2.1 to 0.6". */
  readonly text: string;
  readonly verdict: ClaimLevel['verdict'];
  readonly estimate: Estimate | undefined;
  readonly p: number | null;
  /** "8 blocks". */
  readonly size: string;
  readonly units: Units;
  /** Positive controls seen there. */
  readonly controls: readonly string[];
  readonly ends?: readonly [number, number];
  readonly why?: string;
  /** An earlier look decided, and that stands: what it said of the whole claim. */
  readonly stands?: DecidedAt & { readonly verdict: ClaimLevel['verdict']; readonly said: string };
  /** An earlier look decided otherwise than this one does. */
  readonly otherwise?: DecidedAt & { readonly verdict: ClaimLevel['verdict'] };
}

/** What a claim's sentence speaks of. */
export interface SpokenClaim {
  readonly study: NamingStudy & { readonly outcomes: readonly { readonly name: string; readonly label: string }[] };
  readonly claim: Claim;
  readonly outcome: Outcome;
  readonly rule: Rule;
  readonly look: LookAlpha;
  /** The learning rates of each arm it reads. */
  readonly rates: readonly (readonly Rate[])[];
}

/** The sentence, with what must be known beside it. */
export function claimReason(about: SpokenClaim, levels: readonly SpokenLevel[]): string {
  const lead = `On ${about.study.scope}: `;
  if (levels.length === 0) return `${lead}undecided for ${topicText(about)}: there is no place to read it at.`;
  const words = wordsOf(about);
  const found = GROUPS.flatMap(({ key, is }) => {
    const own = levels.filter(is);
    return own.length === 0 ? [] : [`${words[key]} ${placesText(about, own)}${evidenceText(own)}`];
  });
  const open = undecidedTexts(about, levels);
  const standing = standingTexts(about, words, levels);
  if (found.length + standing.length === 0) return `${lead}undecided for ${topicText(about)} ${open.join('; ')}.`;
  const clauses = [...found, ...standing, ...open.map((text) => `undecided ${text}`)];
  const tail = [
    sizeText(about, levels),
    skewText(about, levels),
    absenceText(about, levels),
    identityText(about, levels),
    loneRatesText(about.rates),
    saidText(lead, levels),
    otherwiseTexts(about, levels),
  ].join('');
  return `${lead}${words.subject} ${clauses.join('; ')}.${tail}`;
}

type Group = 'above' | 'below' | 'agrees' | 'identical';

const GROUPS: readonly { readonly key: Group; readonly is: (level: SpokenLevel) => boolean }[] = [
  { key: 'above', is: ({ verdict, estimate }) => verdict === 'differs' && (estimate?.mean ?? 0) > 0 },
  { key: 'below', is: ({ verdict, estimate }) => verdict === 'differs' && (estimate?.mean ?? 0) < 0 },
  { key: 'agrees', is: ({ verdict }) => verdict === 'agrees' },
  { key: 'identical', is: ({ verdict }) => verdict === 'identical' },
];

type Words = Readonly<Record<Group | 'subject', string>>;

/** Subject and predicates for what a claim is held against. */
function wordsOf(about: SpokenClaim): Words {
  const { study, claim, outcome, rule } = about;
  const [arm, what, held, delta] = [
    armText(study, claim.arm),
    outcomeText(outcome),
    heldText(about),
    withinText(about, rule),
  ];
  if (claim.at.kind === 'trend') {
    const same = 'does not change to the bit';
    return {
      subject: topicText(about),
      above: 'rises',
      below: 'falls',
      agrees: `changes by less than ${delta}`,
      identical: same,
    };
  }
  switch (claim.against.kind) {
    case 'value':
      return {
        subject: `${arm} has ${what}`,
        above: `above ${held}`,
        below: `below ${held}`,
        agrees: `within ${delta} of ${held}`,
        identical: `equal to ${held} to the bit`,
      };
    case 'outcome':
      return {
        subject: arm,
        above: `departs from ${held} in ${what}, upwards`,
        below: `departs from ${held} in ${what}, downwards`,
        agrees: `agrees with ${held} in ${what} within ${delta}`,
        identical: `is identical to ${held} in ${what}, to the bit,`,
      };
    case 'arm':
    case 'arms':
      return {
        subject: `${arm} against ${held}`,
        above: `raises ${what}`,
        below: `lowers ${what}`,
        agrees: `changes ${what} by less than ${delta}`,
        identical: `leaves ${what} identical to the bit`,
      };
    default:
      return claim.against satisfies never;
  }
}

/** What the arm is held against: "chance (0.5)", the label of an outcome, of an arm or of a sum of arms. */
function heldText({ study, claim: { against } }: SpokenClaim): string {
  switch (against.kind) {
    case 'value':
      return `${midSentence(against.label)} (${plain(against.value)})`;
    case 'outcome':
      return midSentence(study.outcomes.find(({ name }) => name === against.outcome)?.label ?? against.outcome);
    case 'arm':
      return armText(study, against.arm);
    case 'arms':
      return midSentence(against.label);
    default:
      return against satisfies never;
  }
}

/** The claim as a noun. */
function topicText(about: SpokenClaim): string {
  const { study, claim, outcome } = about;
  const [arm, what, held] = [armText(study, claim.arm), outcomeText(outcome), heldText(about)];
  switch (claim.against.kind) {
    case 'value':
      return claim.at.kind === 'trend' ? `the level of ${what} of ${arm}` : `${what} of ${arm} against ${held}`;
    case 'outcome':
      return `the departure of ${arm} from ${held} in ${what}`;
    case 'arm':
    case 'arms':
      return `the effect of ${arm} against ${held} on ${what}`;
    default:
      return claim.against satisfies never;
  }
}

function withinText({ outcome }: SpokenClaim, { delta }: Rule): string {
  return inUnit(`±${plain(delta)}`, outcome.unit);
}

/** "at depth 0, 1 and 2: +0.1 [...], +0.2 [...] and +0.3 [...] fraction". */
function placesText(about: SpokenClaim, levels: readonly SpokenLevel[]): string {
  return `${whereText(about, levels)}: ${numbersText(about, levels)}`;
}

function whereText({ claim }: SpokenClaim, levels: readonly SpokenLevel[]): string {
  const names = levels.map(({ text, level }, i) => (i === 0 || typeof level !== 'number' ? text : chosen(level)));
  return `${claim.at.kind === 'trend' ? 'from' : 'at'} ${listText(names)}`;
}

function numbersText({ outcome }: SpokenClaim, levels: readonly SpokenLevel[]): string {
  const { delta, unit } = outcome;
  const numbers = levels.flatMap(({ estimate }) =>
    estimate === undefined
      ? []
      : [`${signed(estimate.mean, delta)} ${intervalText(intervalOf(estimate, 0.95), delta)}`],
  );
  const ends = levels.flatMap((one) => endsText(one, delta));
  return [inUnit(listText(numbers), unit), ...ends].join(', ');
}

/** Of a trend: "+0.01 at 2.1 and +0.17 at 0.6". */
function endsText({ ends, level }: SpokenLevel, delta: number): string[] {
  if (ends === undefined || typeof level !== 'object') return [];
  return [`${signed(ends[0], delta)} at ${plain(level[0])} and ${signed(ends[1], delta)} at ${plain(level[1])}`];
}

function listText(texts: readonly string[]): string {
  return texts.length < 2 ? texts.join('') : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1) ?? ''}`;
}

/** " (8 blocks, p = 0.008)"; of several places the largest p. */
function evidenceText(levels: readonly SpokenLevel[]): string {
  const sizes = [...new Set(levels.map(({ size }) => size))];
  const isTested = levels.every(({ verdict }) => verdict === 'differs');
  const p = isTested
    ? [`${pPhrase(Math.max(...levels.map((one) => one.p ?? 1)))}${levels.length > 1 ? ' at most' : ''}`]
    : [];
  return ` (${[listText(sizes), ...p].join(', ')})`;
}

/** Undecided levels by what stands in the way. */
function undecidedTexts(about: SpokenClaim, levels: readonly SpokenLevel[]): string[] {
  const open = levels.filter(({ verdict, stands }) => verdict === 'undecided' && stands === undefined);
  return [...Map.groupBy(open, ({ why }) => why ?? '')].map(([why, own]) => {
    const estimated = own.filter(({ estimate }) => estimate !== undefined);
    const numbers = estimated.length === 0 ? '' : ` (estimated: ${numbersText(about, estimated)})`;
    return `${whereText(about, own)}: ${why}${numbers}`;
  });
}

/** Levels that an earlier look decided, with today's numbers. */
function standingTexts(about: SpokenClaim, words: Words, levels: readonly SpokenLevel[]): string[] {
  const standing = levels.flatMap((level) => (level.stands ? [{ ...level, verdict: level.stands.verdict }] : []));
  return [...Map.groupBy(standing, ({ stands }) => stands?.blocks ?? 0)].flatMap(([blocks, ofLook]) =>
    GROUPS.flatMap(({ key, is }) => {
      const own = ofLook.filter(is);
      if (own.length === 0) return [];
      const sizes = listText([...new Set(own.map(({ size }) => size))]);
      const now = `now ${numbersText(about, own)} in ${sizes}, which do not decide by themselves (${lookText(about.look)})`;
      return [`${words[key]} ${whereText(about, own)}, as the look at ${blocks} blocks decided: ${now}`];
    }),
  );
}

/** What the looks said whose decisions stand, each once. */
function saidText(lead: string, levels: readonly SpokenLevel[]): string {
  const said = levels.flatMap(({ stands }) =>
    stands === undefined
      ? []
      : [` The look at ${stands.blocks} blocks (alpha ${plain(stands.alpha)}): ${stands.said.replace(lead, '')}`],
  );
  return [...new Set(said)].join('');
}

/** Where earlier looks decided otherwise than this one, and what. */
function otherwiseTexts(about: SpokenClaim, levels: readonly SpokenLevel[]): string {
  const said = levels.flatMap((level) => {
    if (level.otherwise === undefined) return [];
    const { blocks, alpha, verdict } = level.otherwise;
    const turned = verdict === level.verdict ? ' on the other side' : '';
    const lead = `The look at ${blocks} blocks (alpha ${plain(alpha)}) had decided otherwise`;
    return [{ level, text: ` ${lead}: ${VERDICT_WORDS[verdict]}${turned}` }];
  });
  const places = [...Map.groupBy(said, ({ text }) => text)];
  return places
    .map(
      ([text, own]) =>
        `${text} ${whereText(
          about,
          own.map(({ level }) => level),
        )}.`,
    )
    .join('');
}

const VERDICT_WORDS: Readonly<Record<ClaimLevel['verdict'], string>> = {
  differs: 'a difference',
  agrees: 'agreement',
  identical: 'equality to the bit',
  undecided: 'undecided',
};

/** What "differs" claims of the size. */
function sizeText(about: SpokenClaim, levels: readonly SpokenLevel[]): string {
  const found = levels.filter(({ verdict }) => verdict === 'differs');
  if (found.length === 0) return '';
  const { rule, outcome } = about;
  const bounds = found.flatMap(({ estimate }) =>
    estimate === undefined ? [] : [intervalOf(estimate, 0.95).map(Math.abs)],
  );
  const delta = inUnit(plain(rule.delta), outcome.unit);
  const [is, lies, s] = found.length === 1 ? ['is', 'lies', ''] : ['are', 'lie', 's'];
  const lead = ` That is: different from ${zeroText(about)};`;
  if (bounds.every((pair) => Math.min(...pair) >= rule.delta)) {
    return `${lead} the 95% interval${s} ${lies} beyond ${delta}, the smallest effect of interest.`;
  }
  if (bounds.every((pair) => Math.max(...pair) < rule.delta)) {
    return `${lead} the 95% interval${s} ${lies} inside ±${delta}, so the difference${s} ${is} smaller than any effect of interest.`;
  }
  return `${lead} whether ${found.length === 1 ? 'it exceeds' : 'all exceed'} ${delta}, the smallest effect of interest, is not shown.`;
}

/** What "differs" takes for granted: sign flips are exact for symmetric contrasts, which equal arms have and a column alone need not. */
function skewText({ claim: { against, asks } }: SpokenClaim, levels: readonly SpokenLevel[]): string {
  const isAlone = against.kind === 'value' || against.kind === 'outcome';
  if (!isAlone || asks.kind === 'control' || !levels.some(({ verdict }) => verdict === 'differs')) return '';
  return ' This takes for granted that blocks scatter evenly to both sides, since no other arm cancels a skew.';
}

function zeroText({ claim: { at, against } }: SpokenClaim): string {
  if (at.kind === 'trend') return 'no change';
  return against.kind === 'value' ? midSentence(against.label) : 'zero';
}

/** What "agrees" rests on and cannot see. */
function absenceText({ rule, outcome }: SpokenClaim, levels: readonly SpokenLevel[]): string {
  const agreeing = levels.filter(({ verdict }) => verdict === 'agrees');
  const fewest = agreeing.toSorted((a, b) => a.units.usable - b.units.usable)[0];
  if (fewest === undefined) return '';
  const names = [...new Set(agreeing.flatMap(({ controls }) => controls))].map((name) => `"${name}"`);
  const seen =
    names.length === 0 ? '' : ` The positive control ${names.join(', ')} shows a difference at the same places.`;
  return `${seen} ${unseenText({ rule, units: fewest.units, outcome })}.`;
}

/** What equality to the bit does not show: what other seeds might, and what a floor or ceiling hides between arms. */
function identityText({ claim: { against, asks }, rule }: SpokenClaim, levels: readonly SpokenLevel[]): string {
  const identical = levels.filter(({ verdict }) => verdict === 'identical');
  const [first] = identical;
  if (first === undefined || asks.kind === 'control') return '';
  const isSaid = rule.jump === 0 || levels.some(({ verdict }) => verdict === 'agrees');
  const jumps = isSaid ? '' : ` A jump in fewer than ${shareText(first.units, rule)} would not be seen.`;
  const isBetweenArms = against.kind === 'arm' || against.kind === 'arms';
  const isUnseen = identical.some(({ controls }) => controls.length === 0);
  const hidden = ' No positive control shows that a difference would be seen where they are identical.';
  return `${jumps}${isBetweenArms && isUnseen ? hidden : ''}`;
}

/** Why a level is undecided although nothing stands in its way beforehand. */
export function whyText(
  {
    why,
    isWithin,
  }: {
    readonly why: Extract<WhyKind, 'noPositiveControl' | 'ratesDiffer' | 'jumpsUnseen' | 'tooFewBlocks'>;
    readonly isWithin?: true;
  },
  about: { readonly outcome: Outcome; readonly rule: Rule; readonly units: Units; readonly size: string },
): string {
  const { outcome, rule, size } = about;
  const delta = inUnit(`±${plain(rule.delta)}`, outcome.unit);
  switch (why) {
    case 'noPositiveControl':
      return `the interval lies inside ${delta}, but no positive control of that size is seen at the same place, so a floor or ceiling may hide an effect`;
    case 'ratesDiffer':
      return isWithin === true
        ? `the learning rates together lie inside ${delta}, but not each of them`
        : 'the difference does not hold at every learning rate, or is no larger than what the rates of one arm differ by';
    case 'jumpsUnseen':
      return jumpsText(delta, about);
    case 'tooFewBlocks':
      return `neither a difference nor agreement within ${delta} is shown by ${size}`;
    default:
      return why satisfies never;
  }
}

function jumpsText(
  delta: string,
  { outcome, rule, units }: { readonly outcome: Outcome; readonly rule: Rule; readonly units: Units },
): string {
  const inside = `the interval lies inside ${delta}, but`;
  const label = units.label ?? 'block';
  if (rule.jump === 0)
    return `${inside} the ${label}s are too uneven: one a little further out would move the mean by more`;
  const unseen = `${inside} a jump in fewer than ${shareText(units, rule)} would not be seen`;
  if (!Number.isFinite(rule.jump)) {
    return `${unseen}, and nothing bounds how far ${outcomeText(outcome)} can jump: declare its "jumps"`;
  }
  return `${unseen}, and one of ${inUnit(plain(rule.jump), outcome.unit)} would exceed it: more ${label}s without one exclude that, or the study declares that the outcome does not jump`;
}
