/** The file of `--explicit`: between what an agent decided, who is asked again, and how often. */
import { configReader } from '#base/config-reader.ts';
import type { Json } from '#base/json.ts';
import { JUDGE_DEFAULTS, readJudge } from '#recipes/finetune/evaluation-config.ts';
import { objectIn, refuse, refuseOthers, shown, textIn } from '#scoring/import/fields.ts';
import type { ChatAgent } from '#scoring/said/chat-decider.ts';
import { type DecisionOption, parseOptions } from '#scoring/said/decisions.ts';
import { type Offer, parseOffer } from '#scoring/said/paid-decider.ts';
import { type Setting, withSettings } from '#study/settings.ts';

/** Who decides again: an endpoint, or a model in a folder or file of this machine. */
export type Again =
  | {
      readonly kind: 'endpoint';
      readonly agent: ChatAgent;
      readonly concurrency: number;
      /** Price of a million tokens, for the bill alone. */
      readonly price: { readonly prompt: number; readonly completion: number };
    }
  | { readonly kind: 'model'; readonly path: string };

/** What is asked again. */
export interface AskedAgain {
  readonly options: readonly DecisionOption[];
  readonly again: Again;
  /** Answers a question, of an endpoint. */
  readonly samples: number;
  readonly donors: number;
  readonly replacement?: string;
  readonly isParaphrased: boolean;
  /** Asked under these terms too: whether the good is a trade. */
  readonly offer?: Offer;
}

const KEYS = ['options', 'agent', 'samples', 'donors', 'replacement', 'paraphrase', 'terms'];
const SAMPLES = 4;
const DONORS = 2;

/** @param settings Over `agent`. @throws AssayError naming path, expected and found. */
export function parseAskedAgain(value: Json, where: string, settings: readonly Setting[]): AskedAgain {
  const asked = objectIn(value, where);
  refuseOthers(asked, KEYS, where);
  const { replacement, paraphrase = false } = asked;
  if (typeof paraphrase !== 'boolean') refuse(`${where}, paraphrase`, 'true or false', shown(paraphrase));
  const again = againOf(asked['agent'] ?? {}, `${where}, agent`, settings);
  if (again.kind === 'model' && paraphrase) {
    refuse(
      `${where}, paraphrase`,
      'an agent behind an endpoint, which can be asked for one',
      'a model of this machine',
    );
  }
  const options = parseOptions(asked['options'], `${where}, options`);
  const offer = asked['terms'] === undefined ? undefined : parseOffer(asked['terms'], `${where}, terms`);
  const unrated = options.findIndex(({ good }) => good === undefined);
  if (offer !== undefined && unrated !== -1) {
    refuse(
      `${where}, options.${unrated}.good`,
      'how good each option is, in [0, 1], since "terms" are offered',
      'nothing',
    );
  }
  return {
    options,
    again,
    samples: countIn(asked['samples'], SAMPLES, `${where}, samples`),
    donors: countIn(asked['donors'], DONORS, `${where}, donors`),
    ...(replacement !== undefined && { replacement: textIn(replacement, `${where}, replacement`) }),
    isParaphrased: paraphrase,
    ...(offer && { offer }),
  };
}

function againOf(value: Json, where: string, settings: readonly Setting[]): Again {
  const agent = objectIn(value, where);
  if (agent['path'] !== undefined) {
    refuseOthers(agent, ['path'], where);
    return { kind: 'model', path: textIn(agent['path'], `${where}.path`) };
  }
  const { url, model, keyVariable, extra, concurrency, price } = JUDGE_DEFAULTS;
  const given = withSettings({ url, model, keyVariable, extra, concurrency, price, ...agent }, settings);
  const read = readJudge(configReader({ ...JUDGE_DEFAULTS, ...given }, where));
  if (read.url === '' || read.model === '') {
    refuse(
      where,
      '"url" and "model" of an endpoint, or "path" of a model',
      'neither',
      'Or give --set agent.url=... --set agent.model=...',
    );
  }
  return {
    kind: 'endpoint',
    agent: { url: read.url, model: read.model, keyVariable: read.keyVariable, extra: read.extra },
    concurrency: read.concurrency,
    price: read.price,
  };
}

function countIn(value: Json | undefined, otherwise: number, where: string): number {
  if (value === undefined) return otherwise;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= 1000) return value;
  return refuse(where, 'a whole number from 1 to 1000', shown(value));
}
