/** The tokens that end a reply: those the model's files name, and the one its chat template puts after an assistant's turn. */
import type { ModelFiles } from '#learning/files/model-files.ts';

/** Stands for what the assistant says: a character no one writes. */
const SAID = '\uE000';

/** All tokens after which nothing more is said; of generation_config.json, the tokenizer's eos and the chat template. */
export function stopTokens({
  generation,
  tokenizer,
  chatTemplate,
}: Pick<ModelFiles, 'generation' | 'tokenizer' | 'chatTemplate'>): ReadonlySet<number> {
  const ids = new Set(generation.stopIds);
  if (tokenizer === undefined) return ids;
  const eos = tokenizer.specialTokens['eos_token'];
  const endOfTurn = chatTemplate === undefined ? undefined : endOfTurnToken(chatTemplate, tokenizer.specialTexts);
  for (const token of [eos, endOfTurn]) {
    const id = token === undefined ? undefined : tokenizer.idOf(token);
    if (id !== undefined) ids.add(id);
  }
  return ids;
}

/** The special token that follows the assistant's words (after nothing but white space), if there is one. */
function endOfTurnToken(
  template: NonNullable<ModelFiles['chatTemplate']>,
  specialTexts: readonly string[],
): string | undefined {
  const text = rendered(template);
  const end = text.indexOf(SAID);
  if (end === -1) return undefined;
  const rest = text.slice(end + SAID.length).trimStart();
  return specialTexts.find((special) => rest.startsWith(special));
}

function rendered(template: NonNullable<ModelFiles['chatTemplate']>): string {
  try {
    return template.render([
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: SAID },
    ]);
  } catch {
    return ''; // A template that refuses so short a conversation tells nothing.
  }
}
