/** Two arms, two blocks and six steps: the smallest study on a model of one's own. */
import { finetuneStudy, loraMethod } from 'assay';

export default finetuneStudy({
  name: 'finetune-tiny',
  question: 'Does the rank matter on a dozen rows?',
  scope: 'a test',
  set: { steps: 6, batch: 4, rows: { length: 64, heldOutFraction: 0.3 }, probe: { every: 2, rows: 8 } },
  factors: [
    {
      name: 'method',
      levels: [1, 4].map((rank) => ({ name: `lora-${rank}`, set: { method: loraMethod(rank) } })),
    },
  ],
  learningRates: [1e-2],
  blocks: { quick: 2, standard: 8 },
});
