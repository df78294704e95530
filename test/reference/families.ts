/** How the templates of a file of files-templates.py render here, against what transformers made of them. */
import type { Json } from '#base/json.ts';
import { messageOf } from '#base/errors.ts';
import type { TemplateMessage } from '#learning/files/text/chat-template.ts';
import { chatTemplate } from '#learning/files/text/chat-template.ts';

interface Families {
  readonly now: string;
  readonly specialTokens: Record<string, string>;
  readonly templates: Record<string, string>;
  readonly tools: Json[];
  readonly chats: TemplateMessage[][];
  readonly cases: readonly {
    readonly template: string;
    readonly chat: number;
    readonly addGenerationPrompt: boolean;
    readonly tools: boolean;
    readonly variables: Record<string, Json>;
    readonly text?: string;
  }[];
}

/** Counts of cases, and the first of those that differ. */
export interface Comparison {
  same: number;
  bothRefuse: number;
  readonly different: string[];
}

/** @param file The content of the file. */
export function compareFamilies(file: string): Comparison {
  const { now, specialTokens, templates, tools, chats, cases }: Families = JSON.parse(file);
  const result: Comparison = { same: 0, bothRefuse: 0, different: [] };
  for (const { template, chat, addGenerationPrompt, tools: withTools, variables, text } of cases) {
    const options = { addGenerationPrompt, variables, ...(withTools ? { tools } : {}) };
    let found: string | undefined;
    let refusal = '';
    try {
      const compiled = chatTemplate(templates[template] ?? '', specialTokens, new Date(`${now}Z`));
      found = compiled.render(chats[chat] ?? [], options);
    } catch (thrown) {
      refusal = messageOf(thrown);
    }
    if (found === text) result[text === undefined ? 'bothRefuse' : 'same']++;
    else if (result.different.length < 20)
      result.different.push(`${template} ${chat}: ${refusal || JSON.stringify(found)}`);
  }
  return result;
}
