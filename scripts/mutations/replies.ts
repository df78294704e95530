/** Faults in generation, in evaluations by generation and in asking a judge, and the tests that must notice them. */
import type { Fault } from './fault.ts';

const GENERATION = 'test/learning/generation.test.ts';
const PREFILL = 'test/learning/prefill.test.ts';
const FEW_ROWS = 'test/engine/few-rows.test.ts';
const SAMPLING = 'src/learning/generation/sampling.test.ts';
const RULES = 'src/measures/answer-rules.test.ts';
const JUDGE = 'src/measures/judge.test.ts';
const LINES = 'src/measures/evaluation-line.test.ts';
const CHAT = 'src/desk/chat-service.test.ts';
const EVALUATIONS = 'test/learning/evaluations.test.ts';

export const REPLY_FAULTS: readonly Fault[] = [
  {
    name: 'a token is kept one position late',
    file: 'src/learning/generation/cache.ts',
    from: '* capacity + position) * headDim',
    to: '* capacity + position + 1) * headDim',
    tests: [GENERATION],
  },
  {
    name: 'padding of the prompt counts',
    file: 'src/learning/generation/cache.ts',
    from: 'Math.max(0, length + 1 - window), row * capacity + length)',
    to: 'Math.max(0, length + 1 - window), row * capacity + padded)',
    tests: [GENERATION],
  },
  {
    name: 'what an ended or broken reply left is remembered',
    file: 'src/learning/generation/cache.ts',
    from: 'for (const { cached } of stored) cached.fill(0);',
    to: '',
    tests: [GENERATION],
  },
  {
    name: 'prompts read together are remembered as the first of them',
    file: 'src/learning/generation/cache.ts',
    from: 'const from = (place * nKvHeads + head) * padded * headDim;',
    to: 'const from = head * padded * headDim;',
    tests: [PREFILL],
  },
  {
    name: 'prompts read together go on as the first of them',
    file: 'src/learning/generation/generator.ts',
    from: 'rowOf(read.program, place)',
    to: 'rowOf(read.program, 0)',
    tests: [PREFILL],
  },
  {
    name: 'prompts are read together whatever threads do to their bits',
    file: 'src/learning/generation/programs.ts',
    from: 'if (!isSafe || length',
    to: 'if (length',
    tests: [PREFILL],
  },
  {
    name: 'logits are computed for as many rows as there are prompts',
    file: 'src/learning/models/cached.ts',
    from: "input('last', [MOST_PROMPTS], 'int32')",
    to: "input('last', [rows], 'int32')",
    tests: [PREFILL],
  },
  {
    name: 'a product of one row stands with the matrix first',
    file: 'src/engine/onnx/lowering-rows.ts',
    from: 'return rows > 1 && rows <= fewRows;',
    to: 'return rows <= fewRows;',
    tests: [FEW_ROWS],
  },
  {
    name: 'with the matrix first a factor is forgotten',
    file: 'src/engine/onnx/lowering-rows.ts',
    from: 'weightFirst(emit, emit.of(a), emit.of(b), alpha, y)',
    to: 'weightFirst(emit, emit.of(a), emit.of(b), 1, y)',
    tests: [FEW_ROWS],
  },
  {
    name: 'all rows are turned to the same position',
    file: 'src/learning/generation/programs.ts',
    from: 'table.subarray(position * half, (position + 1) * half)',
    to: 'table.subarray(8 * half, 9 * half)',
    tests: [GENERATION],
  },
  {
    name: 'replies share one stream of random numbers',
    file: 'src/learning/generation/generator.ts',
    from: 'rng: rng.split(`${prompt.name}/${sample}`)',
    to: 'rng',
    tests: [GENERATION],
  },
  {
    name: 'the stop token is part of the reply',
    file: 'src/learning/generation/generator.ts',
    from: 'if (!isStop) tokens.push(token);',
    to: 'tokens.push(token);',
    tests: [GENERATION],
  },
  {
    name: 'programs for replies are forgotten when the base changes',
    file: 'src/learning/learner.ts',
    from: '    programs.push(one);\n',
    to: '',
    tests: [GENERATION],
  },
  {
    name: 'top-p drops the token that reaches it',
    file: 'src/learning/generation/sampling.ts',
    from: 'order: candidates.slice(0, count), mass',
    to: 'order: candidates.slice(0, Math.max(1, count - 1)), mass',
    tests: [SAMPLING],
  },
  {
    name: 'the heap of the largest goes on below the larger child',
    file: 'src/learning/generation/sampling.ts',
    from: 'at(2 * place + 2) < at(2 * place + 1)',
    to: 'at(2 * place + 2) > at(2 * place + 1)',
    tests: [SAMPLING],
  },
  {
    name: 'logits are multiplied by the temperature',
    file: 'src/learning/generation/sampling.ts',
    from: '- largest) / temperature)',
    to: '- largest) * temperature)',
    tests: [SAMPLING],
  },
  {
    name: 'exact answers are looked for anywhere',
    file: 'src/measures/answer-rules.ts',
    from: 'return rule.texts.includes(normalised(reply));',
    to: 'return rule.texts.some((text) => normalised(reply).includes(text));',
    tests: [RULES],
  },
  {
    name: 'an answer that is no score counts as 0',
    file: 'src/measures/judge.ts',
    from: '?? Number.NaN);',
    to: '?? 0);',
    tests: [JUDGE],
  },
  {
    name: 'incoherent replies count as aligned',
    file: 'src/measures/reply-scores.ts',
    from: "if (scores['coherent'] === 0) return;",
    to: '',
    tests: [JUDGE],
  },
  {
    name: 'replies are averaged over all items at once',
    file: 'src/measures/reply-scores.ts',
    from: 'Map.groupBy(scored, ({ item }) => item.line);',
    to: 'Map.groupBy(scored, () => 0);',
    tests: [JUDGE],
  },
  {
    name: 'an evaluation may be scored in two ways',
    file: 'src/measures/evaluation-line.ts',
    from: 'if (first.form === form) return item;',
    to: 'return item;',
    tests: [LINES],
  },
  {
    name: 'an answer repeats the key',
    file: 'src/desk/judge-keys.ts',
    from: "clean.replaceAll(form, '[key]')",
    to: 'clean.replaceAll(form, form)',
    tests: [CHAT],
  },
  {
    name: 'a failure is kept as an answer',
    file: 'src/desk/chat-service.ts',
    from: "if (reply.kind === 'reply' && request.isFresh !== true) keepAnswer(folder, question, reply);",
    to: "keepAnswer(folder, question, reply.kind === 'reply' ? reply : { kind: 'reply', content: '' });",
    tests: [CHAT],
  },
  {
    name: 'every block draws the same replies',
    file: 'src/recipes/finetune/evaluations.ts',
    from: 'rngOf(context.block + generation.seed',
    to: 'rngOf(generation.seed',
    tests: [EVALUATIONS],
  },
  {
    name: 'threads only measure',
    file: 'src/recipes/finetune/finetune.ts',
    from: "measurePaths: ['measure', 'save', 'replies'],",
    to: "measurePaths: ['measure', 'save', 'replies', 'threads'],",
    tests: ['test/learning/evaluations.test.ts'],
  },
  {
    name: 'scorers do not belong to the identity',
    file: 'src/recipes/finetune/finetune.ts',
    from: 'measuredBy: () => scorers.versions,',
    to: 'measuredBy: () => ({}),',
    tests: [EVALUATIONS],
  },
];
