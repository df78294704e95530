/** What is done to a text before it is split: the normalizers of `tokenizer.json`. */
import type { Json } from '#base/json.ts';

import { Component, partsOf } from './component.ts';
import { patternOf, WHITE } from './pattern.ts';
import { charsMap } from './precompiled.ts';

/** Text to text. */
export type Normalize = (text: string) => string;

/** @throws AssayError on a normalizer or an option that is not known. */
export function normalizerOf(json: Json, where: string): Normalize {
  return json === null ? (text) => text : build(new Component(json, `${where}: normalizer`));
}

function build(component: Component): Normalize {
  const normalize = step(component);
  component.done();
  return normalize;
}

const FORMS = ['NFC', 'NFD', 'NFKC', 'NFKD'] as const;

function step(component: Component): Normalize {
  const { type } = component;
  const form = FORMS.find((name) => name === type);
  if (form !== undefined) return (text) => text.normalize(form);
  switch (type) {
    case 'Sequence': {
      const steps = partsOf(component, 'normalizers').map(build);
      return (text) => steps.reduce((done, next) => next(done), text);
    }
    case 'Lowercase':
      return lowercase;
    case 'Strip':
      return strip(component.flag('strip_left', true), component.flag('strip_right', true));
    case 'StripAccents':
      return (text) => text.replaceAll(/\p{M}/gu, '');
    case 'Prepend': {
      const start = component.text('prepend');
      return (text) => (text === '' ? '' : start + text);
    }
    case 'Replace': {
      const [pattern, content] = [patternOf(component), component.text('content')];
      return (text) => (pattern === undefined ? text : text.replaceAll(pattern, () => content));
    }
    case 'BertNormalizer':
      return bert(component);
    case 'Precompiled':
      return charsMap(component);
    default:
      return component.refuse('a normalizer that is known', type);
  }
}

/** Each character by itself, so that a sigma at the end of a word stays an ordinary one. */
function lowercase(text: string): string {
  return Array.from(text, (character) => character.toLowerCase()).join('');
}

function strip(left: boolean, right: boolean): Normalize {
  const sides = [...(left ? [`^${WHITE}+`] : []), ...(right ? [`${WHITE}+$`] : [])];
  if (sides.length === 0) return (text) => text;
  const edges = new RegExp(sides.join('|'), 'gu');
  return (text) => text.replaceAll(edges, '');
}

const CHINESE =
  /[\u4E00-\u9FFF\u3400-\u4DBF\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B920}-\u{2CEAF}\uF900-\uFAFF\u{2F800}-\u{2FA1F}]/gu;

function bert(component: Component): Normalize {
  const lower = component.flag('lowercase', true);
  const [clean, chinese] = [component.flag('clean_text', true), component.flag('handle_chinese_chars', true)];
  const accents = component.flag('strip_accents', lower);
  const white = new RegExp(WHITE, 'gu');
  return (text) => {
    let done = text;
    if (clean) done = done.replaceAll(/(?![\t\n\r])[\p{C}\uFFFD]/gu, '').replaceAll(white, ' ');
    if (chinese) done = done.replaceAll(CHINESE, ' $& ');
    if (accents) done = done.normalize('NFD').replaceAll(/\p{Mn}/gu, '');
    return lower ? lowercase(done) : done;
  };
}
