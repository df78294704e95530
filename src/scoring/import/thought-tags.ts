/**
 * A thought that stands inside of what was said, at its beginning: in its tags; cut off, so that the closing tag is lacking; or
 * without the opening tag, which many chat templates write into the prompt and not into the answer.
 */

const NAMES = ['think', 'thinking'];

/** The thought, undefined where there is none, and what was said after it. */
export function splitThought(text: string): { readonly thought: string | undefined; readonly said: string } {
  const begun = text.trimStart();
  const name = NAMES.find((one) => begun.startsWith(`<${one}>`));
  const names = name === undefined ? NAMES : [name];
  const body = name === undefined ? text : begun.slice(name.length + 2);
  const ends = names.flatMap((one) => {
    const at = body.indexOf(`</${one}>`);
    return at === -1 ? [] : [{ at, next: at + one.length + 3 }];
  });
  const end = ends.toSorted((a, b) => a.at - b.at)[0];
  if (end === undefined) {
    return name === undefined ? { thought: undefined, said: text } : { thought: body.trim(), said: '' };
  }
  return { thought: body.slice(0, end.at).trim(), said: body.slice(end.next).trimStart() };
}
