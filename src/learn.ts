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
export { hookPoints, type ModelPlace, modelPlace, placeSites } from '#learning/models/hook-points.ts';
export { transformerSites } from '#learning/models/modules.ts';
export {
  expertModules,
  initialWeights,
  linearModules,
  parameterCount,
  transformerParameters,
} from '#learning/models/parameters.ts';
export { mostTokens, treesOf, type TreesShape } from '#learning/models/trees.ts';
export type { BatchShape } from '#learning/models/batch-shape.ts';
export { transformerLogits } from '#learning/models/transformer.ts';

// Two towers: images and texts in one space.
export * from '#learning/models/towers/config.ts';
export * from '#learning/models/towers/contrastive.ts';
export * from '#learning/models/towers/inputs.ts';
export { imageDepths, textDepths, type TowerDepth, towerSites } from '#learning/models/towers/modules.ts';
export {
  type ImageSource,
  type OpenTowers,
  openTowers,
  type OpenTowersOptions,
} from '#learning/files/towers/open-towers.ts';
export type { DepthReading, TowerEmbeddings } from '#learning/files/towers/readings.ts';
export { decodeImage, type RgbImage } from '#learning/files/images/decode-image.ts';
export { towerLinearModules, towerParameters } from '#learning/models/towers/parameters.ts';
export { type ImageInputs, imageTower, type TextInputs, textTower } from '#learning/models/towers/towers.ts';

// Spectra of weights: ranks, entropies, truncation, directions.
export * from '#learning/spectra/directions.ts';
export {
  type DenseMatrix,
  orthonormalColumns,
  singularValues,
  solvePositive,
  svd,
  type Svd,
  symmetricEigen,
  transposedProduct,
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

// Sparse autoencoders: their configs, training on a stream of activations, files, and how well they do.
export {
  modelActivations,
  type ModelActivations,
  streamModel,
  type StreamModel,
} from '#learning/activations/model-activations.ts';
export { openStreamModel, type OpenedModel } from '#learning/activations/open-stream-model.ts';
export { streamReader } from '#learning/activations/stream-reader.ts';
export {
  type ActivationSource,
  collectActivations,
  storedActivations,
  type StoredActivations,
  type StoredOrder,
} from '#learning/activations/stored-activations.ts';
export { readSaeLens, type SaeFromFiles } from '#learning/files/sae-lens/sae-lens-read.ts';
export { withoutThresholding, writeSaeLens } from '#learning/files/sae-lens/sae-lens-write.ts';
export type {
  DeadFeatures,
  SaeActivation,
  SaeConfig,
  SaeDecoder,
  SaeEncoder,
  SlotMapStart,
  WholeSaeConfig,
} from '#learning/sae/sae-config.ts';
export { wholeSaeConfig } from '#learning/sae/sae-config.ts';
export { dictionaryOf } from '#learning/sae/sae-parameters.ts';
export { saeReader, type SaeReader, type SaeReading } from '#learning/sae/sae-reader.ts';
export { createSaeTrainer, type Sae, type SaeTrainer, type SaeTrainerConfig } from '#learning/sae/sae-trainer.ts';
export { spliceInput, spliceSae } from '#learning/sae/splice.ts';
export { type ActivationStream, meanRow, type SaeTask, type SaeTraining, trainSaes } from '#learning/sae/train-saes.ts';
export { cheapestAssignment } from '#measures/sae/assignment.ts';
export { type LossRecovered, lossRecovered } from '#measures/sae/loss-recovered.ts';
export {
  measureReconstruction,
  type Reconstruction,
  reconstructionTally,
  type ReconstructionTally,
} from '#measures/sae/reconstruction.ts';
export { fractionAbove, type Recovery, recovery } from '#measures/sae/recovery.ts';
export { fistaCodes, oracleSae, type SparseCoding } from '#measures/sae/sparse-coding.ts';
// Agents: environments, policies, rollouts, policy gradients, evolution.
export { type Agent, type AgentConfig, createAgent, type PolicyGradient } from '#learning/agents/agent.ts';
export {
  decisionFeeds,
  type DecisionFeeds,
  decisionLoss,
  type Decisions,
  drawnDecisions,
  type PolicyTable,
} from '#learning/agents/decisions.ts';
export { drawnAction, likeliestAction } from '#learning/agents/draw.ts';
export type { End, Environment, Outcome } from '#learning/agents/environment.ts';
export {
  centredRanks,
  createEvolution,
  type Evolution,
  type EvolutionConfig,
  type Generation,
} from '#learning/agents/evolution.ts';
export * from '#learning/agents/losses.ts';
export * from '#learning/agents/policies.ts';
export * from '#learning/agents/returns.ts';
export * from '#learning/agents/rollouts.ts';

// Recipes: the loop of a run, how its config is read, what runs share.
export { type ConfigReader, configReader, type NumberBounds } from '#base/config-reader.ts';
export { type Rng, rngOf } from '#base/rng.ts';
export {
  type BracketedTrajectory,
  bracketedTrajectory,
  type Probe,
  type Probed,
} from '#measures/bracketed-trajectory.ts';
export { bindingTest, type BindingTest, type BindingTestOptions } from '#measures/binding/binding-test.ts';
export { inverseOf, type KnownPairs, mapError, pairRecovery, type PairRecovery } from '#measures/binding/map-error.ts';
export {
  DUPLICATE_COSINE,
  type FeaturePair,
  type MatchOptions,
  matchPairs,
  type PairMatch,
} from '#measures/binding/match-pairs.ts';
export { matchSlots, type SlotMatch } from '#measures/binding/match-slots.ts';
export { permutedFeatures } from '#measures/binding/permuted.ts';
export { type DataOrder, orderedRows, type RowsAtStep, type Stage } from '#learning/data/order.ts';
export { type Activations, differenceInMeans } from '#measures/difference-in-means.ts';
export { type Example, type Fingerprint, fingerprint, type Guess } from '#measures/fingerprint.ts';
export { forgetting } from '#measures/forgetting.ts';
export { jump, type Jump, type Placed } from '#measures/jump.ts';
export { modelHashes } from '#recipes/finetune/files.ts';
export { type KnownTextModel, textModelSummaries } from '#recipes/text-model-files.ts';
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
export { type KeptPair, rowCosine, SCENE_PAIRS, scenePairLine } from '#recipes/binding/scene-pairs.ts';
export { gpt2File, gpt2Json, readGpt2File } from '#recipes/gpt2-file.ts';
export { type LabShelf, labShelf } from '#recipes/lab-shelf.ts';
export { sharedWeights, weightsBytes, weightsFrom } from '#recipes/shared-weights.ts';
export {
  type Clip,
  largestNorm,
  readClip,
  readLevels,
  readMethod,
  readOptimizer,
  readOrder,
  readSchedule,
  readSeeds,
} from '#recipes/training-config.ts';
export { type TrainingPlan, trainingRun, type TrainingSubject } from '#recipes/training-run.ts';
export {
  type Seeds,
  TRAINING_DEFAULTS,
  type WorldLab,
  type WorldRecipe,
  worldRecipe,
  type WorldRun,
} from '#recipes/world-recipe.ts';

// Scoring agents: transcripts, the declared good, whether thoughts decide, and whether the good is a trade.
export { type ActionShares, type Decider, movedShare, sampledDecider } from '#scoring/decider.ts';
export type { EpisodeEstimate } from '#scoring/episode-interval.ts';
export {
  type Deliberation,
  explicitness,
  type ExplicitnessOptions,
  type ExplicitnessRecord,
  type ExplicitnessVerdict,
} from '#scoring/explicitness.ts';
export { type Good, parseGood, type ProfileName } from '#scoring/good.ts';
export { readTranscripts } from '#scoring/import/read-transcripts.ts';
export {
  continuationTokens,
  type LocalModel,
  openLocalModel,
  type Opening,
  type TextReading,
} from '#scoring/said/local-model.ts';
export {
  type EpisodeReading,
  type ScoreEpisode,
  type ScoreRecord,
  type ScoringOptions,
  scoreTranscripts,
} from '#scoring/score-transcripts.ts';
export {
  judgeTradeOrValues,
  type PaidAgent,
  type Reason,
  type Terms,
  type TermsOutcome,
  type TradeOptions,
  tradeOrValues,
  type TradeRecord,
  type TradeRule,
} from '#scoring/trade-or-values.ts';
export { endState, type Step, type Transcript } from '#scoring/transcript.ts';

// Worlds that are lived in.
export * from '#worlds/gridworld/gridworld.ts';
export * from '#worlds/gridworld/place.ts';
export * from '#worlds/gridworld/planner.ts';
// Worlds: scenes of coloured shapes with captions.
export { anchoredScenes, type BindingScenes, bindingScenes } from '#worlds/scenes/binding-scenes.ts';
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
