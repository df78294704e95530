/** What an author of a study imports: `import { defineStudy, type Recipe } from 'assay'`. For models, losses and loops of one's own: learn.ts. */
export { AssayError, type ErrorKind } from '#base/errors.ts';
export { canonicalJson, contentHash, isJsonObject, type Json, type JsonObject, sha256 } from '#base/json.ts';
export { type Rng, rngOf } from '#base/rng.ts';
export { LION_DEFAULTS } from '#learning/optim/lion.ts';
export { ADAMW_DEFAULTS } from '#learning/optim/adamw.ts';
export { MUON_DEFAULTS } from '#learning/optim/muon.ts';
export { SGD_DEFAULTS } from '#learning/optim/sgd.ts';
export { SHAMPOO_DEFAULTS } from '#learning/optim/shampoo.ts';
export { SIGN_DEFAULTS } from '#learning/optim/sign.ts';
export { SOAP_DEFAULTS } from '#learning/optim/soap.ts';
export type { Chat, ChatReply, ChatRequest } from '#base/chat.ts';
export type { ScoreReply, ScorerInput } from '#measures/reply-scores.ts';
export { bindingBenchmark } from '#recipes/binding/benchmark.ts';
export { bindingRecipe } from '#recipes/binding/binding.ts';
export { finetune, type FinetuneOptions } from '#recipes/finetune/finetune.ts';
export { type FactorChoices, loraMethod } from '#recipes/finetune/factors.ts';
export { finetuneStudy, type FinetuneStudyOptions } from '#recipes/finetune/study.ts';
export type { Against, Asks, Claim, Place, StudyMap } from '#study/claim.ts';
export { defineStudy } from '#study/define-study.ts';
export { type Episode, type EpisodeStep, episodeLines, EPISODES_FILE } from '#study/episode.ts';
export { crossFactors, type Factor, type FactorLevel, factorOf } from '#study/factors.ts';
export type { Gives, Recipe, RunContext } from '#study/recipe.ts';
export type {
  Arm,
  ArmInput,
  Axis,
  Contrast,
  Outcome,
  PilotRule,
  Profile,
  ProfileName,
  Study,
  StudyInput,
  Variation,
} from '#study/study.ts';
export { type Combination, interaction, trendOver } from '#study/trends.ts';
export type { RunEnd, TrajectoryPoint } from '#study/trajectory.ts';
