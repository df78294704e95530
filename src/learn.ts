/**
 * The second door, `import { createLearner, ... } from 'assay/learn'`: what a study needs that brings its own model, loss,
 * world or loop. Writing the study itself goes through `assay` (index.ts). What is promised: docs/guide/05.
 */

// Graphs: tensors, their operations, gradients, and programs that run.
export * from '#engine/ops/comparison.ts';
export * from '#engine/ops/elementwise.ts';
export * from '#engine/ops/indexing.ts';
export * from '#engine/ops/layout.ts';
export * from '#engine/ops/linear-algebra.ts';
export * from '#engine/ops/network.ts';
export * from '#engine/ops/recurrent.ts';
export * from '#engine/ops/reduction.ts';
export * from '#engine/ops/sources.ts';
export { differentiate } from '#engine/differentiate.ts';
export { compile, type CompileOptions, type FrozenInputs, type Program } from '#engine/session.ts';
export { type DType, type Shape, sizeOf, type Tensor } from '#engine/tensor.ts';

// Models: layers, adapters, sites, and the decoder transformers.
export {
  drawnWeights,
  feedLayers,
  fillInitial,
  type Initial,
  type Layers,
  type ParameterRole,
  type ParameterSpec,
} from '#learning/nn/layers.ts';
export {
  ablateDirection,
  addVector,
  recordingSites,
  type RecordingLayers,
  replaceBy,
  type SiteEdit,
  withSites,
  zeroSite,
} from '#learning/nn/sites.ts';
export { adaptedModules, type LoraConfig, loraParameters, loraScale, mergedWeight, withLora } from '#learning/lora.ts';
export { applyMethod, type Method, type TrainedModel } from '#learning/method.ts';
export { gpt2Config, type TransformerConfig } from '#learning/models/config.ts';
export { transformerSites } from '#learning/models/modules.ts';
export { initialWeights, linearModules, parameterCount, transformerParameters } from '#learning/models/parameters.ts';
export { type BatchShape, transformerLogits } from '#learning/models/transformer.ts';

// Two towers: images and texts in one space.
export * from '#learning/models/towers/config.ts';
export * from '#learning/models/towers/contrastive.ts';
export * from '#learning/models/towers/inputs.ts';
export { imageDepths, textDepths, type TowerDepth, towerSites } from '#learning/models/towers/modules.ts';
export { towerLinearModules, towerParameters } from '#learning/models/towers/parameters.ts';
export { type ImageInputs, imageTower, type TextInputs, textTower } from '#learning/models/towers/towers.ts';

// Spectra of weights: ranks, entropies, truncation, directions.
export * from '#learning/spectra/directions.ts';
export {
  type DenseMatrix,
  singularValues,
  solvePositive,
  svd,
  type Svd,
  symmetricEigen,
  truncate,
} from '#learning/spectra/matrix.ts';
export * from '#learning/spectra/spectrum.ts';
export { updateNorm, type UpdateNorm } from '#learning/spectra/update.ts';

// Training: the learner for any loss, the trainer for language models, optimizers and schedules.
export { brokenAxis, type Stepper, takeStep } from '#learning/divergence.ts';
export type { Feeds, Reader } from '#learning/feeds.ts';
export type { Generator, GeneratorSetup } from '#learning/generation/generator.ts';
export { createLearner, type Learner, type LearnerConfig, type StepResult } from '#learning/learner.ts';
export type { Loss, LossTerm } from '#learning/loss.ts';
export { ADAMW_DEFAULTS, type AdamWConfig } from '#learning/optim/adamw.ts';
export { LION_DEFAULTS, type LionConfig } from '#learning/optim/lion.ts';
export { MUON_DEFAULTS, type MuonConfig } from '#learning/optim/muon.ts';
export { checkOptimizerConfig, type OptimizerConfig } from '#learning/optim/optimizer-config.ts';
export { learningRateAt, type Schedule } from '#learning/optim/schedule.ts';
export { SGD_DEFAULTS, type SgdConfig } from '#learning/optim/sgd.ts';
export { SHAMPOO_DEFAULTS, type ShampooConfig } from '#learning/optim/shampoo.ts';
export { SIGN_DEFAULTS, type SignConfig } from '#learning/optim/sign.ts';
export { SOAP_DEFAULTS, type SoapConfig } from '#learning/optim/soap.ts';
export type { BatchLayout } from '#learning/programs.ts';
export type { BranchedScorer, Readers, Scorer } from '#learning/readers.ts';
export { type Batch, createTrainer, type Trainer, type TrainerConfig } from '#learning/train.ts';
export type { Memory, Weights } from '#learning/weights.ts';

// Recipes: the loop of a run, how its config is read, what runs share.
export { type ConfigReader, configReader, type NumberBounds } from '#base/config-reader.ts';
export { type Rng, rngOf } from '#base/rng.ts';
export {
  type BracketedTrajectory,
  bracketedTrajectory,
  type Probe,
  type Probed,
} from '#measures/bracketed-trajectory.ts';
export { type DataOrder, orderedRows, type RowsAtStep, type Stage } from '#learning/data/order.ts';
export { type Activations, differenceInMeans } from '#measures/difference-in-means.ts';
export { type Example, type Fingerprint, fingerprint, type Guess } from '#measures/fingerprint.ts';
export { forgetting } from '#measures/forgetting.ts';
export { jump, type Jump, type Placed } from '#measures/jump.ts';
export {
  COSINE_TIE,
  pairedCosines,
  preference,
  preferenceAccuracy,
  type Quad,
  winogroundScores,
} from '#measures/probes/cross-modal.ts';
export { agreementScores, type LinearProbe, linearProbe, probeAccuracy } from '#measures/probes/linear-probe.ts';
export { fitLogistic, type Logistic, type LogisticProblem } from '#measures/probes/logistic.ts';
export { type CaptionedRows, fitTextMap, type TextMap } from '#measures/probes/text-map.ts';
export { gpt2File, gpt2Json, readGpt2File } from '#recipes/gpt2-file.ts';
export { type LabShelf, labShelf } from '#recipes/lab-shelf.ts';
export { sharedWeights, weightsBytes, weightsFrom } from '#recipes/shared-weights.ts';
export { readLevels, readMethod, readOptimizer, readOrder, readSchedule, readSeeds } from '#recipes/training-config.ts';
export { type TrainingPlan, trainingRun, type TrainingSubject } from '#recipes/training-run.ts';
export {
  type Seeds,
  TRAINING_DEFAULTS,
  type WorldLab,
  type WorldRecipe,
  worldRecipe,
  type WorldRun,
} from '#recipes/world-recipe.ts';

// Worlds: scenes of coloured shapes with captions.
export { type BindingScenes, bindingScenes } from '#worlds/scenes/binding-scenes.ts';
export {
  captionLength,
  captionOf,
  captionText,
  captionWords,
  drawWording,
  wordIds,
  type Wording,
} from '#worlds/scenes/captions.ts';
export { heldPairs, type ScenePart } from '#worlds/scenes/held-out.ts';
export { encodePng } from '#worlds/scenes/png.ts';
export { readSceneWorld } from '#worlds/scenes/read-scene-world.ts';
export { enlarged, patchRows, sceneRenderer } from '#worlds/scenes/render.ts';
export { checkedSceneWorld, PICTURE_WORLD, type SceneWorld, SMALL_WORLD } from '#worlds/scenes/scene-world.ts';
export { exchanged, isExactNull, mirrored, type Scene, sceneDrawer } from '#worlds/scenes/scenes.ts';
