/** One run: one model in one deployment, in the situation of the block. Nothing is trained and nothing is sampled. */
import { AssayError, type JsonObject, type Recipe } from 'assay';
import { configReader, labShelf, type LocalModel, modelHashes, openLocalModel } from 'assay/learn';

import { chancesOf, DEPLOYMENTS, passChances, READING } from './episodes.ts';
import { SCENARIOS } from './scenarios.ts';

const OUTCOMES = ['passes', 'choice', 'thinks', 'asAssistant', 'asAgent', 'follows', 'cut'] as const;

const hashOf = modelHashes();
const shelf = labShelf<LocalModel>(1);

export const deploymentProfiles: Recipe = {
  name: 'deployment-profiles',
  semanticsVersion: 1,
  defaults: { model: '', deployment: 'chat', threads: 1 },
  measurePaths: ['threads'],
  gives: () => ({ axes: ['situation'], outcomes: OUTCOMES }),
  check: (config) => void readConfig(config),
  inputs: (config) => ({ model: hashOf(readConfig(config).model) }),
  async run({ config, block, record }) {
    const { model: path, deployment, threads } = readConfig(config);
    const model = await shelf({ path, threads }, () => openLocalModel(path, threads));
    const scenario = SCENARIOS[block % SCENARIOS.length];
    if (scenario === undefined) throw new AssayError('run', `Expected a situation for block ${block}.`);
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

/** @throws AssayError naming the path, what was expected and what was found. */
function readConfig(config: JsonObject) {
  const reader = configReader(config);
  const model = reader.json('model');
  if (typeof model !== 'string' || model === '') {
    return reader.refuse('model', 'a model folder, GGUF file or hf://org/name: --set model=DIR', JSON.stringify(model));
  }
  const read = {
    model,
    deployment: reader.oneOf('deployment', DEPLOYMENTS),
    threads: reader.number('threads', { min: 1, max: 256, integer: true }),
  };
  reader.done();
  return read;
}
