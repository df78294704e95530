/**
 * Question 1 on your own model and data:
 * `assay run finetune --set model=DIR --set data=train.jsonl --set evals=evals.jsonl` (docs/guide/02-your-own-model.md).
 */
import { finetuneStudy } from 'assay';

export default finetuneStudy({
  name: 'finetune',
  question:
    'Do the method and the optimizer of a finetuning change its behaviour beyond loss, on this model and this data?',
  scope: 'the given model, data and evaluations, losses as fractions of those of the base model',
});
