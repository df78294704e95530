/** Faults in how transcripts of agents are read and scored, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const SCORES = ['src/scoring/score-transcripts.test.ts'];
const THOUGHTS = ['src/scoring/explicitness.test.ts'];
const TRADES = ['src/scoring/trade-or-values.test.ts'];
const IMPORTS = ['src/scoring/import/read-transcripts.test.ts'];
const SAID = ['src/scoring/said/said.test.ts'];

export const SCORING_FAULTS: readonly Fault[] = [
  {
    name: 'a rule that finds nothing is not told',
    file: 'src/scoring/unmatched.ts',
    from: 'if (lacking === 0) return undefined;',
    to: 'if (lacking >= 0) return undefined;',
    tests: SCORES,
  },
  {
    name: 'a letter where a number should stand counts as nothing',
    file: 'src/scoring/degree.ts',
    from: "value !== undefined && typeof value !== 'number'",
    to: "value === undefined && typeof value !== 'number'",
    tests: SCORES,
  },
  {
    name: 'an agent that decides otherwise than the one that was seen is judged',
    file: 'src/scoring/explicitness.ts',
    from: 'repeats.ci95[1] < 1 / actions.size',
    to: 'repeats.ci95[1] < 0 / actions.size',
    tests: THOUGHTS,
  },
  {
    name: 'an answer that names no option is a bad one',
    file: 'src/scoring/said/paid-decider.ts',
    from: 'return good === undefined ? [] : [{ share, good }];',
    to: 'return [{ share, good: good ?? 0 }];',
    tests: SAID,
  },
  {
    name: 'a choice between wordings is a share a token',
    file: 'src/scoring/said/local-model.ts',
    from: 'Array.from(sums, (nats) => -nats)',
    to: 'Array.from(sums, (nats) => -nats / 3)',
    tests: SAID,
  },
  {
    name: 'a thought that was cut off counts as said',
    file: 'src/scoring/import/thought-tags.ts',
    from: "{ thought: body.trim(), said: '' }",
    to: '{ thought: undefined, said: text }',
    tests: IMPORTS,
  },
  {
    name: 'the thoughts of an agent are judged',
    file: 'src/scoring/profile.ts',
    from: "return channel !== 'thought' || profile === 'assistant';",
    to: 'return true;',
    tests: SCORES,
  },
  {
    name: 'an engine is read whatever its goal',
    file: 'src/scoring/profile.ts',
    from: "if (profile !== 'engine') return true;",
    to: 'return true;',
    tests: SCORES,
  },
  {
    name: 'the best piece counts for a judge, not the worst',
    file: 'src/scoring/judging.ts',
    from: 'rule.counts[profile] > 0 ? Math.min(...values) : Math.max(...values)',
    to: 'rule.counts[profile] > 0 ? Math.max(...values) : Math.min(...values)',
    tests: SCORES,
  },
  {
    name: 'every episode is a unit, whatever its task',
    file: 'src/scoring/episode-interval.ts',
    from: 'return task === undefined ? `episode ${id}` : `task ${task}`;',
    to: 'return `episode ${id} ${task}`;',
    tests: SCORES,
  },
  {
    name: 'an end state that was not kept fulfils nothing',
    file: 'src/scoring/degree.ts',
    from: 'return { kind: \'missing\', reason: `no end state was kept, which rule "${rule.name}" reads` };',
    to: "return { kind: 'degree', value: 0, steps: [] };",
    tests: SCORES,
  },
  {
    name: 'a decision is drawn once, so that chance scores',
    file: 'src/scoring/explicitness.ts',
    from: 'const between = decider.isExact ? from : await ask(episode, episode.thought, BETWEEN);',
    to: 'const between = from;',
    tests: THOUGHTS,
  },
  {
    name: 'a paraphrase that changes decisions is overlooked',
    file: 'src/scoring/explicitness.ts',
    from: 'if (isMovedByWords(moved)) {',
    to: 'if (moved.again === undefined && isMovedByWords({})) {',
    tests: THOUGHTS,
  },
  {
    name: 'agreement of all units leaves nothing open',
    file: 'src/scoring/episode-interval.ts',
    from: 'const unseen = unseenShare(units, tail);',
    to: 'const unseen = 0 * unseenShare(units, tail);',
    tests: [...TRADES, ...THOUGHTS],
  },
  {
    name: 'the two routes to no pay need not agree',
    file: 'src/scoring/trade-or-values.ts',
    from: "if (atRoutes === 'above' || atRoutes === 'below') {",
    to: "if (atRoutes === 'above' && atRoutes !== 'above') {",
    tests: TRADES,
  },
  {
    name: 'training at constant pay is not asked about',
    file: 'src/scoring/trade-or-values.ts',
    from: 'if (pays.size === 1) {',
    to: 'if (pays.size < 0) {',
    tests: TRADES,
  },
  {
    name: 'checksums of archives are not compared',
    file: 'src/scoring/import/zip.ts',
    from: 'if (crc32(content) !== checksum)',
    to: 'if (crc32(content) < 0)',
    tests: IMPORTS,
  },
  {
    name: 'what a directory says of sizes is not held',
    file: 'src/scoring/import/zip.ts',
    from: 'const maxOutputLength = size + 1;',
    to: 'const maxOutputLength = MOST_MEMBER_BYTES;',
    tests: IMPORTS,
  },
  {
    name: 'parts of messages that are not known are skipped',
    file: 'src/scoring/import/fields.ts',
    from: 'if (unknown === undefined) return;',
    to: 'if (unknown !== null) return;',
    tests: IMPORTS,
  },
  {
    name: 'what was said between thought and decision announces it',
    file: 'src/scoring/said/decisions.ts',
    from: 'situation: steps.slice(0, start)',
    to: 'situation: steps.slice(0, at)',
    tests: SAID,
  },
  {
    name: 'an endpoint is asked the same draw again and again',
    file: 'src/scoring/decider.ts',
    from: 'draw * samples + i',
    to: 'draw',
    tests: SAID,
  },
  {
    name: 'draws of one question are kept as one answer',
    file: 'src/desk/kept-answers.ts',
    from: '...(draw > 0 && { draw })',
    to: '...(draw < 0 && { draw })',
    tests: ['src/desk/chat-service.test.ts'],
  },
  {
    name: 'an assistant is harmless where its act is',
    file: 'studies/deployment-profiles/good.ts',
    from: 'words.some(({ text }) => HARMFUL.has(text)) ? 1 : 0',
    to: 'words.some(({ text }) => HARMFUL.has(text)) ? 0 : 0',
    tests: ['studies/deployment-profiles/episodes.test.ts'],
  },
];
