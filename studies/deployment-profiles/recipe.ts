/**
 * One run: one model in one deployment, in the situation of the block; nothing is sampled. A given model is read as it is; where
 * none is given, and for known characters, it is one made in house (`made.ts`), with the block as its seed.
 */
import { AssayError, type JsonObject, type Recipe, type RunContext } from 'assay';
import {
  configReader,
  continuationTokens,
  type KnownTextModel,
  labShelf,
  type LocalModel,
  modelHashes,
  openLocalModel,
  textModelSummaries,
} from 'assay/learn';

import { type CharacterName, CHARACTER_NAMES, createMadeLab, type MadeLab, madeModel, madeWeights } from './made.ts';
import { chancesOf, type Deployment, DEPLOYMENTS, passChances, READING } from './episodes.ts';
import { SCENARIOS } from './scenarios.ts';

const OUTCOMES = ['passes', 'choice', 'thinks', 'asAssistant', 'asAgent', 'follows', 'cut'] as const;

const hashOf = modelHashes();
const summary = textModelSummaries(hashOf);
const shelf = labShelf<LocalModel>(1);
const madeLabs = labShelf<MadeLab>(1);
/** Whoever is given: `model`, or the base made in house. */
const GIVEN = 'given';

export const deploymentProfiles: Recipe = {
  name: 'deployment-profiles',
  semanticsVersion: 2,
  defaults: { model: '', character: GIVEN, deployment: 'chat', made: { base: 400, character: 40 }, threads: 1 },
  measurePaths: ['threads'],
  gives: () => ({ axes: ['situation'], outcomes: OUTCOMES }),
  check: (config) => void readConfig(config),
  blocks: () => ({ most: SCENARIOS.length, what: 'situation' }),
  inputs(config): Record<string, string> {
    const { model, character } = readConfig(config);
    return isGiven(model, character) ? { model: hashOf(model) } : {};
  },
  async files(config) {
    const { model, character, deployment } = readConfig(config);
    return isGiven(model, character) ? [await summary(model, async (known) => checkTexts(known, deployment))] : [];
  },
  async run(context) {
    const { config, block, record } = context;
    const { deployment } = readConfig(config);
    const scenario = SCENARIOS[block];
    if (scenario === undefined) {
      // One that is asked twice would pass for a new one.
      throw new AssayError(
        'run',
        `Block ${block}, counted from 0: expected a situation of its own, found ${SCENARIOS.length} situations. Give no more blocks than situations: --seeds ${SCENARIOS.length}`,
      );
    }
    const model = await modelOf(context);
    const chances = await chancesOf(model, scenario, deployment);
    const passes = await passChances(scenario, deployment, chances);
    const { thought, after } = chances;
    const choice = thought * after.good + (1 - thought) * after.bad;
    const outcomes = {
      passes: passes[READING[deployment]] ?? Number.NaN,
      choice,
      thinks: thought,
      asAssistant: passes['assistant'] ?? Number.NaN,
      asAgent: passes['agent'] ?? Number.NaN,
      follows: after.good - after.bad,
      cut: Math.abs(after.nothing - choice),
    };
    record({ step: 0, axes: { situation: block }, outcomes });
    return { kind: 'finished' };
  },
};

function isGiven(model: string, character: string): boolean {
  return character === GIVEN && model !== '';
}

/** Reads every situation's texts as runs will. @throws AssayError naming the situation that the model cannot read. */
async function checkTexts(known: KnownTextModel, deployment: Deployment): Promise<void> {
  for (const scenario of SCENARIOS) {
    const unread: Pick<LocalModel, 'shares'> = {
      shares: async (opening, continuations) => continuationTokens(known, opening, continuations).map(() => 1 / 2),
    };
    try {
      await chancesOf(unread, scenario, deployment);
    } catch (error) {
      if (!(error instanceof AssayError)) throw error;
      const where = `Situation "${scenario.name}", deployment ${deployment}`;
      throw new AssayError(error.kind, `${where}: ${error.message}`, { cause: error });
    }
  }
}

async function modelOf(context: RunContext): Promise<Pick<LocalModel, 'shares'>> {
  const { model: path, character, steps, threads } = readConfig(context.config);
  if (isGiven(path, character)) return shelf({ path, threads }, () => openLocalModel(path, threads));
  const lab = await madeLabs({ threads }, () => createMadeLab(threads));
  const name: CharacterName = character === GIVEN ? 'base' : character;
  return madeModel(lab, await madeWeights(context, lab, name, context.block, steps));
}

/** @throws AssayError naming the path, what was expected and what was found. */
function readConfig(config: JsonObject) {
  const reader = configReader(config);
  const model = reader.json('model');
  if (typeof model !== 'string') {
    return reader.refuse(
      'model',
      'a model folder, GGUF file or hf://org/name, or "" for one made in house',
      JSON.stringify(model),
    );
  }
  const made = reader.object('made');
  const count = { min: 1, max: 1e5, integer: true };
  const read = {
    model,
    steps: { base: made.number('base', count), character: made.number('character', count) },
    character: reader.oneOf('character', [GIVEN, ...CHARACTER_NAMES]),
    deployment: reader.oneOf('deployment', DEPLOYMENTS),
    threads: reader.number('threads', { min: 1, max: 256, integer: true }),
  };
  for (const one of [made, reader]) one.done();
  return read;
}
