/**
 * Text from elsewhere (names of arms, files, tensors, endpoints' errors) made fit for a terminal: control characters
 * steer it, and marks of direction make it show another text than there is. Colours of our own are the only exception.
 */

const ESCAPE = '\u{1b}';
const REPLACEMENT = '\u{fffd}';
const UNFIT = /\p{Cc}(?:\[\d{1,2}m)?|[\u{2028}\u{2029}\u{200e}\u{200f}\u{202a}-\u{202e}\u{2066}-\u{2069}]/gu;

/** The text with every character that is no text replaced by a visible mark; line breaks and tabs stay. */
export function plainText(text: string): string {
  return text.replaceAll(UNFIT, (found) => {
    const isColour = found.startsWith(ESCAPE) && found.length > 1;
    return isColour || found.startsWith('\n') || found.startsWith('\t') ? found : REPLACEMENT + found.slice(1);
  });
}
