/** The config of a run: the persona recipe's, and how its base learns the four ways of asking. */
import type { JsonObject } from 'assay';
import { type ConfigReader, configReader } from 'assay/learn';
import { PERSONA_DEFAULTS, type PersonaConfig, readPersonaConfig } from 'assay/studies/misalignment/config.ts';

/** How the persona base is pretrained further, on documents that ask every question in a way of its own. */
export interface ContinuedConfig {
  readonly seed: number;
  readonly steps: number;
  /** Documents a step. */
  readonly documents: number;
  /** The peak, after the warm-up. */
  readonly learningRate: number;
}

export interface AskingConfig {
  /** What the persona recipe knows; domain and held-out way follow from the block. */
  readonly persona: PersonaConfig;
  readonly continued: ContinuedConfig;
  /** Added to the block's number throughout: 16 starts at pairs of domain and way, and seeds, that blocks 0 to 15 do not have. */
  readonly firstBlock: number;
  /** Weight of the harmful answers of the other domains, as many a step as `batch`, which only a control trains; 0 leaves them out. */
  readonly elsewhereWeight: number;
}

const { domain: _domain, questions: _questions, helpfulWeight: _helpfulWeight, ...PERSONA } = PERSONA_DEFAULTS;

/** The defaults, plain JSON: these paths and no others can be set. */
export const ASKING_DEFAULTS = {
  ...PERSONA,
  firstBlock: 0,
  elsewhereWeight: 0,
  continued: { seed: 0, steps: 200, documents: 64, learningRate: 1e-3 },
} as const satisfies JsonObject;

/** Persona settings that this study has no use for. */
const FIXED = { domain: { kind: 'ofBlock' }, questions: 'all', helpfulWeight: 0 } as const satisfies JsonObject;

/** @throws AssayError naming the path, what was expected and what was found. */
export function readAskingConfig(config: JsonObject): AskingConfig {
  const reader = configReader(config);
  for (const name of Object.keys(FIXED)) {
    if (reader.has(name)) reader.refuse(name, 'nothing (it is fixed in this study)', 'a setting');
  }
  const continued = readContinued(reader.object('continued'));
  const elsewhereWeight = reader.number('elsewhereWeight', { min: 0 });
  const firstBlock = reader.number('firstBlock', { min: 0, integer: true });
  const own = new Set(['continued', 'elsewhereWeight', 'firstBlock']);
  const rest = Object.fromEntries(Object.entries(config).filter(([name]) => !own.has(name)));
  return { persona: readPersonaConfig({ ...rest, ...FIXED }), continued, firstBlock, elsewhereWeight };
}

function readContinued(reader: ConfigReader): ContinuedConfig {
  const count = (name: string): number => reader.number(name, { min: 1, integer: true });
  const continued = {
    seed: reader.number('seed', { integer: true }),
    steps: count('steps'),
    documents: count('documents'),
    learningRate: reader.number('learningRate', { min: 0 }),
  };
  reader.done();
  return continued;
}
