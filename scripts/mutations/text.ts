/** Faults in how rows become text and tokens, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const JINJA = 'src/learning/files/text/jinja/jinja.test.ts';
const FAMILIES = 'test/reference/files-templates.test.ts';
const TOKENIZER = 'src/learning/files/text/tokenizer.test.ts';
const ROWS = 'src/learning/data/tokens.test.ts';
const LINES = 'src/learning/data/data.test.ts';

export const TEXT_FAULTS: readonly Fault[] = [
  {
    name: 'strip takes white space away whatever it is told',
    file: 'src/learning/files/text/jinja/text-methods.ts',
    from: 'if (set === undefined) return value.replace(',
    to: 'if (set !== null) return value.replace(',
    tests: [JINJA, FAMILIES],
  },
  {
    name: 'line ends of Windows stay in a template',
    file: 'src/learning/files/text/jinja/lexer.ts',
    from: "template.replaceAll(/\\r\\n?/g, '\\n')",
    to: 'template',
    tests: [JINJA, FAMILIES],
  },
  {
    name: 'an empty generator counts as false',
    file: 'src/learning/files/text/jinja/values.ts',
    from: "    case 'undefined':\n      return false;\n    case 'once':",
    to: "    case 'undefined':\n    case 'once':\n      return false;",
    tests: [JINJA],
  },
  {
    name: 'what a template does not read is left out',
    file: 'src/learning/data/assistant-spans.ts',
    from: '  refuseUnread(template, messages, given);\n  const said',
    to: '  const said',
    tests: [ROWS],
  },
  {
    name: 'an end token is added whatever the text ends with',
    file: 'src/learning/data/token-rows.ts',
    from: "id === undefined || hasEnd ? ''",
    to: "id === undefined ? ''",
    tests: [ROWS],
  },
  {
    name: 'a start token is added whatever the text starts with',
    file: 'src/learning/data/around-text.ts',
    from: 'return begins ? ids : [...before, ...ids];',
    to: 'return [...before, ...ids];',
    tests: [ROWS],
  },
  {
    name: 'special tokens are those with the flag alone',
    file: 'src/learning/files/text/tokenizer.ts',
    from: '.map(({ id }) => id), ...byName, ...endIds]',
    to: '.map(({ id }) => id)]',
    tests: [TOKENIZER],
  },
  {
    name: 'options that nobody read are passed over',
    file: 'src/learning/files/text/tokens/component.ts',
    from: "if (unknown !== undefined) this.refuse('options that are known', unknown);",
    to: '',
    tests: [TOKENIZER],
  },
  {
    name: 'matches are merged with what precedes them, never with what follows',
    file: 'src/learning/files/text/tokens/splitter.ts',
    from: '!previous, true).toReversed()',
    to: '!previous, false).toReversed()',
    tests: [TOKENIZER],
  },
  {
    name: 'a token for single words is found inside of them',
    file: 'src/learning/files/text/tokens/added-tokens.ts',
    from: 'if (token.singleWord && (',
    to: 'if (!token.singleWord && (',
    tests: [TOKENIZER],
  },
  {
    name: 'of merges of one rank the last is done first',
    file: 'src/learning/files/text/tokens/byte-pairs.ts',
    from: 'a.place < b.place',
    to: 'a.place > b.place',
    tests: [TOKENIZER],
  },
  {
    name: 'the piece of a line at the edge of a chunk is not copied',
    file: 'src/learning/data/jsonl.ts',
    from: 'const rest = chunk.slice(from);',
    to: 'const rest = chunk.subarray(from);',
    tests: [LINES],
  },
];
