/** What is put before and after the tokens of a text: the post-processors of `tokenizer.json`. */
import type { Json } from '#base/json.ts';
import { isJsonObject } from '#base/json.ts';

import { Component, partsOf } from './component.ts';

/** Ids before and after those of a text. */
export interface Around {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

const NOTHING: Around = { before: [], after: [] };

/** @throws AssayError on a post-processor or an option that is not known, or a text that is not in it once. */
export function aroundOf(json: Json, where: string): Around {
  return json === null ? NOTHING : build(new Component(json, `${where}: post_processor`));
}

function build(component: Component): Around {
  const around = step(component);
  component.done();
  return around;
}

function step(component: Component): Around {
  switch (component.type) {
    case 'Sequence':
      return partsOf(component, 'processors')
        .map(build)
        .reduce(
          ({ before, after }, outer) => ({
            before: [...outer.before, ...before],
            after: [...after, ...outer.after],
          }),
          NOTHING,
        );
    case 'ByteLevel':
      component.unused('add_prefix_space', 'trim_offsets', 'use_regex');
      return NOTHING;
    case 'BertProcessing':
    case 'RobertaProcessing':
      component.unused('trim_offsets', 'add_prefix_space');
      return { before: [idAt(component, 'cls')], after: [idAt(component, 'sep')] };
    case 'TemplateProcessing':
      return template(component);
    default:
      return component.refuse('a post-processor that is known', component.type);
  }
}

/** The id in a pair of token and id. */
function idAt(component: Component, name: string): number {
  const [, id] = component.list(name);
  return typeof id === 'number' ? id : component.refuse(`${name} to be a token and its id`, id);
}

function template(component: Component): Around {
  component.unused('pair');
  const specials = component.json('special_tokens');
  const parts = component.list('single');
  const isText = (part: Json): boolean => isJsonObject(part) && isJsonObject(part['Sequence']);
  const at = parts.findIndex(isText);
  if (at === -1 || parts.findLastIndex(isText) !== at)
    component.refuse('a template with the text in it once', [...parts]);
  const idsOf = (part: Json): readonly number[] => {
    const special = isJsonObject(part) ? part['SpecialToken'] : undefined;
    const name = isJsonObject(special) ? special['id'] : undefined;
    const known = isJsonObject(specials) && typeof name === 'string' ? specials[name] : undefined;
    const ids = isJsonObject(known) ? known['ids'] : undefined;
    if (Array.isArray(ids) && ids.every((id) => typeof id === 'number')) return ids;
    return component.refuse('special tokens with their ids', part);
  };
  return { before: parts.slice(0, at).flatMap(idsOf), after: parts.slice(at + 1).flatMap(idsOf) };
}
