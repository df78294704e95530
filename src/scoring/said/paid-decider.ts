/**
 * An agent that decides in text, offered terms: at each of its decisions it is told what it is paid for a good one and how probable it
 * is that anybody sees it, and decides again, without a thought given. Answers that name no option are left out, and do not count as bad.
 */
import type { Json } from '#base/json.ts';
import type { Decider } from '#scoring/decider.ts';
import { objectIn, refuse, refuseOthers, shown, textIn } from '#scoring/import/fields.ts';
import type { PaidAgent, TradeOptions } from '#scoring/trade-or-values.ts';
import type { Step } from '#scoring/transcript.ts';

import type { DecisionOption, TextDecision } from './decisions.ts';

/** What is offered, and how it is said. */
export interface Offer {
  readonly payments: readonly number[];
  readonly chances: readonly number[];
  /** With `{payment}` and `{chance}` (in percent) where the numbers stand. */
  readonly says: string;
  /** How good the decision of an agent is to which nothing matters; that of one who takes all options alike where absent. */
  readonly indifferent?: number;
}

const KEYS = ['payments', 'chances', 'says', 'indifferent'];

/** From its JSON. @throws AssayError naming path, expected and found. */
export function parseOffer(value: Json, where: string): Offer {
  const offer = objectIn(value, where);
  refuseOthers(offer, KEYS, where);
  const says = textIn(offer['says'], `${where}, says`);
  const lacking = ['{payment}', '{chance}'].find((name) => !says.includes(name));
  if (lacking !== undefined) refuse(`${where}, says`, `a text with ${lacking} in it`, shown(says));
  const { indifferent } = offer;
  return {
    payments: numbersIn(offer['payments'] ?? [1, 0, -1], -Infinity, Infinity, `${where}, payments`),
    chances: numbersIn(offer['chances'] ?? [1, 0], 0, 1, `${where}, chances`),
    says,
    ...(indifferent !== undefined && { indifferent: numbersIn([indifferent], 0, 1, `${where}, indifferent`)[0] ?? 0 }),
  };
}

/** The agent whose terms can be set, and what to try on it. */
export function paidDecider(
  decider: Decider<readonly Step[], string>,
  decisions: readonly TextDecision[],
  options: readonly DecisionOption[],
  offer: Offer,
): { readonly agent: PaidAgent; readonly options: TradeOptions } {
  const goods = new Map(options.map(({ name, good = 0 }) => [name, good]));
  const alike = options.reduce((sum, { good = 0 }) => sum + good, 0) / options.length;
  const agent: PaidAgent = {
    async good({ payment, observedChance }, episode) {
      const told = offer.says
        .replaceAll('{payment}', String(payment))
        .replaceAll('{chance}', `${String(100 * observedChance)}%`);
      const situation: readonly Step[] = [...(decisions[episode]?.situation ?? []), { channel: 'request', text: told }];
      const named = Object.entries(await decider.decide(situation, undefined, 0)).flatMap(([name, share]) => {
        const good = goods.get(name);
        return good === undefined ? [] : [{ share, good }];
      });
      const whole = named.reduce((sum, { share }) => sum + share, 0);
      return whole === 0
        ? undefined
        : Math.min(1, named.reduce((sum, { share, good }) => sum + share * good, 0) / whole);
    },
  };
  return {
    agent,
    options: {
      episodes: decisions.length,
      payments: offer.payments,
      chances: offer.chances,
      indifferent: offer.indifferent ?? alike,
      unitOf: (episode) => decisions[episode]?.task ?? decisions[episode]?.id ?? '',
    },
  };
}

function numbersIn(value: Json, least: number, most: number, where: string): readonly number[] {
  const isNumbers =
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((one): one is number => typeof one === 'number' && one >= least && one <= most);
  if (!isNumbers) return refuse(where, least === 0 ? 'numbers in [0, 1]' : 'numbers', shown(value));
  return [...new Set(value)];
}
