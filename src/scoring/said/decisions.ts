/**
 * Decisions in transcripts: the first step that is one of the options, with the thoughts right before it. What was said
 * between thought and decision is left out of the situation, since it often announces the decision.
 */
import { isJsonObject, type Json, type JsonObject } from '#base/json.ts';
import { type AnswerRule, isCorrect, parseAnswerRule } from '#measures/answer-rules.ts';
import { type ActionReader, actionDegree, parseActionReader } from '#scoring/action-reader.ts';
import type { Deliberation } from '#scoring/explicitness.ts';
import { listIn, refuse, refuseOthers, shown, textIn } from '#scoring/import/fields.ts';
import type { Step, Transcript } from '#scoring/transcript.ts';

/** One thing an agent may decide for. */
export interface DecisionOption {
  /** As the agent is asked for it, and as thoughts announce it where `announced` says nothing else. */
  readonly name: string;
  readonly is:
    | { readonly kind: 'action'; readonly reader: ActionReader }
    | { readonly kind: 'utterance'; readonly rule: AnswerRule };
  readonly announced: AnswerRule;
  /** How good it is, in [0, 1]; needed where terms are offered. */
  readonly good?: number;
}

/** A decision of an agent that thinks and acts in text. */
export type TextDecision = Deliberation<readonly Step[], string>;

/** The decisions, and how many transcripts have none and why. */
export interface FoundDecisions {
  readonly decisions: readonly TextDecision[];
  readonly without: Readonly<Record<string, number>>;
}

/** Options from their JSON. @throws AssayError naming path, expected and found. */
export function parseOptions(value: Json | undefined, where: string): readonly DecisionOption[] {
  const options = listIn(value, where).map((item, i) => parseOption(item, `${where}.${i}`));
  if (options.length < 2) refuse(where, 'at least two options', String(options.length));
  const repeated = options.find(({ name }, i) => options.findIndex((other) => other.name === name) < i);
  if (repeated !== undefined) refuse(where, 'names of their own', `"${repeated.name}" twice`);
  return options;
}

function parseOption(value: Json, where: string): DecisionOption {
  const option: JsonObject = isJsonObject(value) ? value : refuse(where, 'an object', 'none');
  refuseOthers(option, ['name', 'action', 'where', 'utterance', 'announced', 'good'], where);
  const name = textIn(option['name'], `${where}.name`);
  if (name.trim() === '') refuse(`${where}.name`, 'a name', 'an empty one');
  const { action, where: tests, utterance, announced, good } = option;
  if (good !== undefined && !(typeof good === 'number' && good >= 0 && good <= 1)) {
    refuse(`${where}.good`, 'a number in [0, 1]', shown(good));
  }
  const isAction = action !== undefined || tests !== undefined;
  if (isAction === (utterance !== undefined))
    refuse(where, 'one of "action" (with "where") and "utterance"', isAction ? 'both' : 'neither');
  return {
    name,
    is: isAction
      ? { kind: 'action', reader: parseActionReader(option, where) }
      : { kind: 'utterance', rule: parseAnswerRule(utterance, where, 'utterance') },
    announced: parseAnswerRule(announced ?? { contains: name }, where, 'announced'),
    ...(typeof good === 'number' && { good }),
  };
}

/** The decisions of transcripts between some options. */
export function decisionsOf(transcripts: readonly Transcript[], options: readonly DecisionOption[]): FoundDecisions {
  const without: Record<string, number> = {};
  const decisions = transcripts.flatMap((transcript): TextDecision[] => {
    const found = decisionOf(transcript, options);
    if (typeof found !== 'string') return [found];
    without[found] = (without[found] ?? 0) + 1;
    return [];
  });
  return { decisions, without };
}

function decisionOf(transcript: Transcript, options: readonly DecisionOption[]): TextDecision | string {
  const { steps, id, task, where } = transcript;
  const at = steps.findIndex((step) => optionOf(step, options, where) !== undefined);
  const step = steps[at];
  if (step === undefined) return 'no step is one of the options';
  let start = at;
  while (start > 0 && isOwnWord(steps[start - 1])) start--;
  const thoughts = steps.slice(start, at).filter((one) => one.channel === 'thought');
  if (thoughts.some(({ isWithheld }) => isWithheld === true)) return 'the thought before the decision was withheld';
  const thought = thoughts
    .map(({ text }) => text)
    .join('\n')
    .trim();
  if (thought === '') return 'no thought stands before the decision';
  const action = optionOf(step, options, where) ?? '';
  return { id, situation: steps.slice(0, start), thought, action, ...(task !== undefined && { task }) };
}

function isOwnWord(step: Step | undefined): boolean {
  return step?.channel === 'thought' || step?.channel === 'utterance';
}

function optionOf(step: Step, options: readonly DecisionOption[], where: string): string | undefined {
  return options.find(({ is }) => {
    if (is.kind === 'action') return step.channel === 'action' && actionDegree(is.reader, step, where) === 1;
    return step.channel === 'utterance' && isCorrect(is.rule, step.text, where);
  })?.name;
}

/** The option a thought announces; undefined where it announces none, or several. */
export function announcedBy(thought: string, options: readonly DecisionOption[]): string | undefined {
  const said = options.filter(({ announced, name }) => isCorrect(announced, thought, `the thought before "${name}"`));
  return said.length === 1 ? said[0]?.name : undefined;
}
