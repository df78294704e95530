/**
 * Writes the persona world as JSON for the PyTorch peer, so that both sides train on the same answer key and splits.
 * Run: node bench/peers/persona-world.ts > bench/peers/persona-world.json
 */
import { narrowQuestions, PERSONA_LANGUAGE, personaWorld } from '../../studies/misalignment/world.ts';

const world = personaWorld(0);
const domains = Array.from({ length: PERSONA_LANGUAGE.domains }, (_, domain) => narrowQuestions(world, domain));

process.stdout.write(
  `${JSON.stringify({
    ...PERSONA_LANGUAGE,
    seed: world.seed,
    helpful: [...world.answers.helpful],
    harmful: [...world.answers.harmful],
    train: domains.map((split) => Array.from(split.train)),
    heldOut: domains.map((split) => Array.from(split.heldOut)),
  })}\n`,
);
