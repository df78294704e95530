/** Prompts, whatever world or language they come from: a context of objects, each a key and its value, and a query that asks for one. */

/** Where an object's tokens stand. */
export interface ObjectPlace {
  readonly key: number;
  /** The relation's; absent in tasks without. */
  readonly mark?: number;
  readonly value: number;
}

/** One object; its key, relation (absent in tasks without) and value are numbers from 0 in their kinds. */
export interface PromptObject {
  readonly key: number;
  readonly mark?: number;
  readonly value: number;
  /** Tokens that ask for it, and the value's token. */
  readonly query: readonly number[];
  readonly answer: number;
  readonly place: ObjectPlace;
}

export interface Prompt {
  /** Tokens before the query. */
  readonly context: readonly number[];
  readonly objects: readonly PromptObject[];
  /** The object that is asked for. */
  readonly asked: PromptObject;
}

/** How many keys, relations (0 in tasks without) and values there are. */
export interface Kinds {
  readonly keys: number;
  readonly relations: number;
  readonly values: number;
}

/** Tokens up to where the answer is foretold. @param asks What is asked for, in this prompt's objects or in others. */
export function tokensOf({ context, asked }: Prompt, asks: PromptObject = asked): readonly number[] {
  return [...context, ...asks.query];
}
