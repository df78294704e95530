/** How a piece of text becomes tokens: the models of `tokenizer.json`. */
import type { Component } from './component.ts';
import { bytePairs } from './byte-pairs.ts';
import { unigram } from './unigram.ts';
import type { Encode, Vocabulary } from './vocabulary.ts';

/**
 * The model of a component.
 * @param vocabulary Of the same component.
 * @throws AssayError on a model or an option that is not known.
 */
export function modelOf(component: Component, vocabulary: Vocabulary): Encode {
  component.unused('vocab');
  const encode = build(component, vocabulary);
  component.done();
  return encode;
}

function build(component: Component, vocabulary: Vocabulary): Encode {
  // Files before 2020 name no type.
  const type = component.type === '' && component.json('merges') !== undefined ? 'BPE' : component.type;
  switch (type) {
    case 'BPE':
      return bytePairs(component, vocabulary);
    case 'Unigram':
      return unigram(component, vocabulary);
    case 'WordPiece':
      return wordPiece(component, vocabulary);
    case 'WordLevel': {
      const unknown = vocabulary.get(component.text('unk_token'));
      return (piece) => [vocabulary.get(piece) ?? unknown ?? missing(piece)];
    }
    default:
      return component.refuse('a model among BPE, Unigram, WordPiece and WordLevel', type);
  }
}

function missing(piece: string): never {
  throw new Error(`no token for ${JSON.stringify(piece.slice(0, 40))}, nor an unknown token`);
}

/** The longest token first; a word that cannot be written so is unknown as a whole. */
function wordPiece(component: Component, vocabulary: Vocabulary): Encode {
  const unknown = vocabulary.get(component.text('unk_token'));
  const prefix = component.text('continuing_subword_prefix', '##');
  const longest = component.count('max_input_chars_per_word', 100);
  return (piece) => {
    const characters = Array.from(piece);
    if (characters.length > longest) return [unknown ?? missing(piece)];
    const ids: number[] = [];
    for (let from = 0; from < characters.length;) {
      let to = characters.length;
      let id: number | undefined;
      for (; to > from && id === undefined; to--) {
        id = vocabulary.get((from > 0 ? prefix : '') + characters.slice(from, to).join(''));
      }
      if (id === undefined) return [unknown ?? missing(piece)];
      ids.push(id);
      from = to + 1;
    }
    return ids;
  };
}
