/** Two arms, two blocks and four steps, with replies scored by a rule, a judge and a function: the smallest such study. */
import { finetuneStudy, loraMethod } from 'assay';

export default finetuneStudy({
  name: 'evaluations-tiny',
  question: 'Does the rank matter to what is said after a dozen rows?',
  scope: 'a test',
  set: { steps: 4, batch: 4, rows: { length: 64, heldOutFraction: 0.3 }, probe: { every: 2, rows: 8 } },
  factors: [
    {
      name: 'method',
      levels: [1, 4].map((rank) => ({ name: `lora-${rank}`, set: { method: loraMethod(rank) } })),
    },
  ],
  learningRates: [1e-2],
  blocks: { quick: 2, standard: 8 },
  scorers: { letters: ({ reply }) => reply.length },
  outcomes: [
    { name: 'open.misaligned', label: 'misaligned replies', unit: 'share', delta: 0.1, role: 'confirmatory' },
    { name: 'open.letters', label: 'length', unit: 'characters', delta: 1, role: 'exploratory' },
  ],
  coherence: { outcome: 'open.coherent', floor: 0.9 },
});
