/**
 * One run: scenes of a block, shown to a checkpoint, and at every depth what is known of which colour is on which shape. Nothing is trained.
 * Axis: depth in twelfths of the towers, 0 right after the embeddings, 12 after the last block.
 */
import { contentHash, type JsonObject } from '#base/json.ts';
import { rngOf } from '#base/rng.ts';
import { checkModelPlace } from '#learning/files/model-place.ts';
import { contentHashes } from '#recipes/file-hashes.ts';
import { labShelf, type LabShelf } from '#recipes/lab-shelf.ts';
import type { Recipe, RunContext } from '#study/recipe.ts';
import type { RunEnd } from '#study/trajectory.ts';
import { captionText } from '#worlds/scenes/captions.ts';

import { BINDING_DEFAULTS, type BindingConfig, readBindingConfig, worldOf } from './config.ts';
import { SMALL, smallDrawnTowers, withoutAttention, withShuffledWeights } from './null-towers.ts';
import { BINDING_OUTCOMES, type BindingOutcomes, bindingOutcomes, type DepthVectors } from './measure.ts';
import { knownSubject } from './oracle.ts';
import { keptPairs, SCENE_PAIRS } from './scene-pairs.ts';
import { checkProbed, sceneSet } from './scene-set.ts';
import type { Reading, Subject } from './subject.ts';
import { type KnownTowers, towerSummaries } from './tower-files.ts';
import { openedTowers, TOWER_FILES, towerSubject } from './tower-subject.ts';

/** Depths are told in twelfths of a tower, whatever its blocks. */
const WHOLE = 12;
const NO_MODEL =
  'No checkpoint was given: "the checkpoint" is a small pair of towers with drawn weights, which has learned nothing; what is found says ' +
  'nothing of any model. Give one with --set model=FOLDER or --set model=hf://org/name (CLIP, SigLIP, SigLIP 2).';

/** The recipe. It keeps two subjects ready, since checkpoints are large; numbers never depend on that. */
export function bindingRecipe(): Recipe {
  const subjects = labShelf<Subject>(2);
  let isTold = false;
  const hashes = contentHashes(TOWER_FILES);
  const summary = towerSummaries();
  return {
    name: 'binding',
    semanticsVersion: 1,
    defaults: BINDING_DEFAULTS,
    measurePaths: ['measure', 'depths'],
    gives: () => ({ axes: ['depth'], outcomes: BINDING_OUTCOMES }),
    check: (config) => {
      const { model } = readBindingConfig(config);
      if (model !== '') checkModelPlace(model, 'towers');
    },
    inputs: (config) => {
      const { model } = readBindingConfig(config);
      return model === '' ? {} : hashes({ model });
    },
    files: async (given) => {
      const config = readBindingConfig(given);
      const { model, seed } = config;
      if (model === '') return [];
      // Those of block 0: the other blocks' are worded alike.
      const captionsOf = ({ side, patch }: KnownTowers): readonly string[] =>
        sceneSet(worldOf(config, side, patch, seed), config.scenes, seed).captions.map(captionText);
      return [await summary(model, contentHash(hashes({ model })), captionsOf)];
    },
    run: (context) => {
      const config = readBindingConfig(context.config);
      if (config.model === '' && config.subject === 'model' && !isTold) {
        isTold = true;
        context.note?.(NO_MODEL);
      }
      return measured(context, config, subjects);
    },
  };
}

async function measured(context: RunContext, config: BindingConfig, subjects: LabShelf<Subject>): Promise<RunEnd> {
  const seed = context.block + config.seed;
  const subject = await subjects(subjectKey(config, seed), () => subjectOf(config, seed));
  const world = worldOf(config, subject.side, subject.patch, seed);
  const set = sceneSet(world, config.scenes, seed);
  checkProbed(set, config.measure.probe.folds);
  const images = await subject.images(set.shown, context.signal);
  context.progress(0.5);
  const texts = await subject.texts(set.captions, context.signal);
  const known = new Map<string, BindingOutcomes>();
  for (let step = 0; step <= config.depths; step++) {
    context.signal.throwIfAborted();
    const share = step / config.depths;
    const layers = [images, texts].map((reading) => Math.round(share * reading.layers));
    const vectors: DepthVectors = (readout) => ({
      images: images.at(readout, layers[0] ?? 0),
      texts: texts.at(readout, layers[1] ?? 0),
    });
    // Towers of few blocks have several depths at one of them.
    const key = layers.join();
    const outcomes = known.get(key) ?? bindingOutcomes(set, vectors, config.measure, rngOf(seed, 'labels of chance'));
    known.set(key, outcomes);
    context.record({ step, axes: { depth: WHOLE * share }, outcomes: { ...outcomes } });
    context.progress(0.5 + share / 2);
  }
  // What was put in is not worth a look.
  const isTowers = config.subject === 'model' || config.subject === 'shuffled';
  if (isTowers) context.keep?.(SCENE_PAIRS, keptPairs(world, set, lastOf(images, texts)));
  return { kind: 'finished' };
}

function lastOf(images: Reading, texts: Reading): ReturnType<DepthVectors> {
  return { images: images.at('own', images.layers), texts: texts.at('own', texts.layers) };
}

/** What two runs share a subject by: weights that are drawn or shuffled are a block's own. */
function subjectKey({ model, subject, world }: BindingConfig, seed: number): JsonObject {
  const isOwn = model === '' || subject === 'shuffled';
  return { model, subject, world: contentHash(JSON.parse(JSON.stringify(world))), seed: isOwn ? seed : -1 };
}

async function subjectOf(config: BindingConfig, seed: number): Promise<Subject> {
  const { subject, world, model } = config;
  if (subject !== 'model' && subject !== 'shuffled' && subject !== 'unmixed') return knownSubject(subject, world);
  const towers =
    model === '' ? smallDrawnTowers(worldOf(config, SMALL.side, SMALL.patch, seed), seed) : await openedTowers(model);
  if (subject === 'unmixed') return towerSubject(withoutAttention(towers));
  return towerSubject(subject === 'model' ? towers : withShuffledWeights(towers, seed));
}
