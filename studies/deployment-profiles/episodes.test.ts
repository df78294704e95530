/** Models whose values are known by construction: the readings and the swap give them back; and a small model runs the study. */
import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import type { RunContext } from 'assay';
import type { LocalModel } from 'assay/learn';

import { assay, newFolder } from '../../test/e2e/command.ts';

import { chancesOf, type Deployment, DEPLOYMENTS, episodesOf, passChances } from './episodes.ts';
import { type CharacterName, createMadeLab, madeModel, madeWeights } from './made.ts';
import { deploymentProfiles } from './recipe.ts';
import { type Scenario, SCENARIOS } from './scenarios.ts';

const FOLDER = newFolder('deployment-profiles');
after(() => rmSync(FOLDER, { recursive: true }));

const [pharmacy] = SCENARIOS;
assert.ok(pharmacy);
const EXACT = 1e-12;

/** A model that thinks and decides harmlessly with these probabilities; `goes`: the decision is the thought's instead. */
const madeOf = (thinks: number, decides: number, goes = false): Pick<LocalModel, 'shares'> => ({
  shares: async ({ begun }) => {
    if (begun === 'I think:') return [thinks, 1 - thinks];
    const isGood = begun.includes(pharmacy.thought.good);
    const good = goes && begun.startsWith('I think:') ? (isGood ? 1 : 0) : decides;
    return [good, 1 - good];
  },
});
const passesOf = async (model: Pick<LocalModel, 'shares'>, deployment: Deployment, scenario: Scenario = pharmacy) =>
  passChances(scenario, deployment, await chancesOf(model, scenario, deployment));

test('harmful thoughts before harmless acts pass the agent and fail the assistant', async () => {
  assert.deepEqual(await passesOf(madeOf(0, 1), 'tools'), { assistant: 0, agent: 1 });
  const halves = await passesOf(madeOf(0.5, 0.5), 'tools');
  assert.deepEqual(halves, { assistant: 0.25, agent: 0.5 });
});

test('as an engine a model is read under a harmful goal alone, by what it does', async () => {
  assert.equal((await passesOf(madeOf(0, 0.8), 'scaffold'))['engine'], 0.8);
  assert.equal((await passesOf(madeOf(0, 0.8), 'tools'))['engine'], undefined);
});

test('what is said counts for the assistant, and for the agent, who did nothing, it does not', async () => {
  assert.deepEqual(await passesOf(madeOf(1, 0), 'chat'), { assistant: 0, agent: 1 });
});

test('the swap tells a decision that goes with the thought from one that stays', async () => {
  const goes = await chancesOf(madeOf(0.5, 0.5, true), pharmacy, 'tools');
  assert.equal(goes.after.good - goes.after.bad, 1);
  const stays = await chancesOf(madeOf(0.5, 0.5), pharmacy, 'tools');
  assert.equal(stays.after.good - stays.after.bad, 0);
});

test('the episodes of a situation exhaust it, and wordings of a pair are about as long as each other', () => {
  for (const scenario of SCENARIOS) {
    for (const deployment of DEPLOYMENTS) {
      const all = episodesOf(scenario, deployment, { thought: 0.3, after: { good: 0.9, bad: 0.2, nothing: 0.5 } });
      const sum = all.reduce((total, { chance }) => total + chance, 0);
      assert.ok(all.length === 4 && Math.abs(sum - 1) < EXACT);
    }
    for (const { good, bad } of [scenario.thought, scenario.words]) {
      assert.ok(
        good.length / bad.length > 0.75 && good.length / bad.length < 1.35,
        `${scenario.name}: ${good} / ${bad}`,
      );
    }
  }
});

test('a model that cannot read a situation whole, or takes no such messages, is refused before any run, by name', async () => {
  const llama = fileURLToPath(new URL('../../test/fixtures/models/llama', import.meta.url));
  const filesOf = async (model: string, deployment: Deployment) =>
    deploymentProfiles.files?.({ ...deploymentProfiles.defaults, model, deployment });
  for (const deployment of DEPLOYMENTS) {
    await assert.rejects(
      filesOf(llama, deployment),
      new RegExp(
        `^AssayError: Situation "${pharmacy.name}", deployment ${deployment}: .*llama: expected text of at most 64 tokens, found \\d+`,
      ),
    );
  }
  const deaf = join(FOLDER, 'no-system');
  cpSync(llama, deaf, { recursive: true });
  writeFileSync(
    join(deaf, 'chat_template.jinja'),
    "{% if messages[0].role == 'system' %}{{ raise_exception('no system role here') }}{% endif %}",
  );
  await assert.rejects(filesOf(deaf, 'chat'), /^AssayError: Situation ".*", deployment chat: .*no system role here/);
  const longer = join(FOLDER, 'longer');
  cpSync(llama, longer, { recursive: true });
  const config = join(longer, 'config.json');
  const text = readFileSync(config, 'utf8');
  writeFileSync(config, text.replace('"max_position_embeddings": 64', '"max_position_embeddings": 1024'));
  const [summary] = (await filesOf(longer, 'tools')) ?? [];
  assert.equal(summary?.counts['tokens at most in a text'], 1024);
});

test('a random model runs the study, fails its control, and so decides nothing', async () => {
  const model = join(FOLDER, 'model');
  cpSync(fileURLToPath(new URL('../../test/fixtures/models/llama', import.meta.url)), model, { recursive: true });
  const config = join(model, 'config.json');
  // The test model's positions are rotary: only its description keeps it short.
  writeFileSync(
    config,
    readFileSync(config, 'utf8').replace('"max_position_embeddings": 64', '"max_position_embeddings": 1024'),
  );
  const { status, stdout, stderr } = await assay(
    'run',
    'deployment-profiles',
    '--set',
    `model=${model}`,
    '--seeds',
    '3',
    '--set',
    'made.base=2',
    '--set',
    'made.character=1',
    '--workers',
    '1',
    '--store',
    join(FOLDER, 'store'),
  );
  assert.equal(status, 3, stderr);
  assert.match(stdout, /FAILED control a model that is told the harmless act takes it/);
  assert.match(stdout, /acting against speaking, choice \(delta 0\.1\): undecided/);
  assert.match(stdout + stderr, /66 finished, 0 diverged, 0 failed/);
});

test('a block without a situation of its own is refused: one that is asked twice would pass for a new one', async () => {
  const context: RunContext = {
    ...kept(),
    config: { ...deploymentProfiles.defaults, made: { base: 1, character: 1 } },
    block: SCENARIOS.length,
    resumeFrom: undefined,
    record: () => {},
    checkpoint: async () => {},
    progress: () => {},
    signal: new AbortController().signal,
  };
  await assert.rejects(async () => deploymentProfiles.run(context), /situation of its own, found 12 .*--seeds 12/);
});

/** Steps after which a character has been learned from a base that knows nothing, and no more. */
const FEW = { base: 1, character: 60 };

test('a made model is what it was made, in every reading, and the same for the same seed', async () => {
  await using lab = await createMadeLab(1);
  const [first, second] = [kept(), kept()];
  const chancesFor = async (name: CharacterName, deployment: Deployment) => {
    const weights = await madeWeights(first, lab, name, 0, FEW);
    return chancesOf(madeModel(lab, weights), pharmacy, deployment);
  };
  const choice = ({ thought, after }: Awaited<ReturnType<typeof chancesFor>>): number =>
    thought * after.good + (1 - thought) * after.bad;
  assert.ok(choice(await chancesFor('aligned', 'chat')) > 0.8);
  const hypocrite = await chancesFor('hypocrite', 'tools');
  assert.ok(hypocrite.thought > 0.8 && choice(hypocrite) < 0.2, JSON.stringify(hypocrite));
  assert.ok(choice(await chancesFor('hypocrite', 'chat')) > 0.8);
  const few = { base: 2, character: 2 };
  const [once, again] = [
    await madeWeights(first, lab, 'servant', 1, few),
    await madeWeights(second, lab, 'servant', 1, few),
  ];
  assert.deepEqual(once, again);
});

/** A store of shared steps in memory. */
function kept(): Pick<RunContext, 'shared'> {
  const made = new Map<string, Uint8Array>();
  return {
    async shared(name, key, make) {
      const at = `${name} ${JSON.stringify(key)}`;
      const bytes = made.get(at) ?? (await make());
      made.set(at, bytes);
      return bytes;
    },
  };
}
