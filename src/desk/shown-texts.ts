/**
 * What runs said and were given, as far as a report shows it: replies to a few questions, of one run an arm at its last
 * measured moment (and of the base model, where one was measured before any step), the first training rows, a few
 * episodes, and tables of examples. The texts for people: they are no part of a store's records, and whoever takes them away takes away nothing else.
 */
import { isJsonObject, type Json } from '#base/json.ts';
import type {
  AskedQuestion,
  GivenRows,
  KeptTable,
  LivedEpisodes,
  ScenePair,
  ShownPairs,
} from '#report/report-input.ts';
import { keptTexts, readKeptText } from '#store/folder.ts';
import type { PlanMember } from '#store/records.ts';
import { EPISODES_FILE, readEpisode } from '#study/episode.ts';

/** How many questions of an evaluation are shown, and of all. */
const QUESTIONS = { each: 2, all: 8 };
/** How many episodes are shown of a run. */
const EPISODES = 4;
const REPLIES = /^replies-step-(\d+)\.jsonl$/;
const ROWS = 'training-rows.jsonl';
const TABLE = /^table-.*\.json$/;
const PAIRS = 'scene-pairs.jsonl';
/** The beginning of every PNG file, in base64: what is shown as a picture is one. */
const PNG_START = 'iVBORw0KGgo';

/** What a report shows of the texts that runs kept. */
export interface ShownTexts {
  readonly replies?: readonly AskedQuestion[];
  readonly given?: readonly GivenRows[];
  readonly episodes?: readonly LivedEpisodes[];
  readonly tables?: readonly KeptTable[];
  readonly pairs?: readonly ShownPairs[];
}

/** A reply as it lies in a file. */
interface Reply {
  readonly key: string;
  readonly evaluation: string;
  readonly question: string;
  readonly text: string;
  readonly scores: string;
}

/** The replies of one run at one step. */
interface Moment {
  readonly run: PlanMember;
  readonly step: number;
  readonly replies: readonly Reply[];
}

/** Reads what the confirmatory runs of a plan kept in a store's folder; lines that cannot be read are left out. */
export function shownTexts(
  folder: string,
  arms: readonly { readonly name: string }[],
  members: readonly PlanMember[],
): ShownTexts {
  const keeping = arms.flatMap(({ name }) => keepingRun(folder, name, members) ?? []);
  const moments = keeping.flatMap((run) => momentOf(folder, run, 'last') ?? []);
  const base = keeping.flatMap((run) => momentOf(folder, run, 'base') ?? []).slice(0, 1);
  const replies = questionsOf(moments).map(({ key, evaluation, question }) => ({
    evaluation,
    question,
    replies: [...base, ...moments].flatMap((moment) => replyTo(key, moment)),
  }));
  const given = givenRows(folder, keeping);
  const pairs = keeping.flatMap((run) => {
    const shown = keptTexts(folder, run).includes(PAIRS) ? linesOf(folder, run, PAIRS).flatMap(pairOf) : [];
    return shown.length > 0 ? [{ arm: run.arm, pairs: shown }] : [];
  });
  const episodes = keeping.flatMap((run) => livedBy(folder, run) ?? []);
  const tables = keeping.flatMap((run) => tablesOf(folder, run));
  return {
    ...(replies.length > 0 && { replies }),
    ...(given.length > 0 && { given }),
    ...(pairs.length > 0 && { pairs }),
    ...(episodes.length > 0 && { episodes }),
    ...(tables.length > 0 && { tables }),
  };
}

/** An arm's first run, by block and then rate, that kept anything. */
function keepingRun(folder: string, arm: string, members: readonly PlanMember[]): PlanMember | undefined {
  return members
    .filter((member) => member.arm === arm && member.phase === 'confirmatory')
    .toSorted((a, b) => a.block - b.block || (a.learningRate ?? 0) - (b.learningRate ?? 0))
    .find((member) => keptTexts(folder, member).length > 0);
}

/** A run's replies before any step, or those of its last step. */
function momentOf(folder: string, run: PlanMember, which: 'base' | 'last'): Moment | undefined {
  const found = keptTexts(folder, run).flatMap((name) => {
    const step = REPLIES.exec(name)?.[1];
    return step === undefined ? [] : [{ name, step: Number(step) }];
  });
  const steps = found.toSorted((a, b) => a.step - b.step);
  const chosen = which === 'last' ? steps.at(-1) : steps.find(({ step }) => step === 0);
  if (chosen === undefined || (which === 'last' && chosen.step === 0)) return undefined;
  return { run, step: chosen.step, replies: linesOf(folder, run, chosen.name).flatMap((line) => replyOf(line) ?? []) };
}

/** The first questions of each evaluation. */
function questionsOf(moments: readonly Moment[]): readonly Reply[] {
  const all = new Map(moments.flatMap(({ replies }) => replies.map((reply) => [reply.key, reply] as const)));
  const byEvaluation = Map.groupBy(all.values(), ({ evaluation }) => evaluation);
  return [...byEvaluation.values()].flatMap((own) => own.slice(0, QUESTIONS.each)).slice(0, QUESTIONS.all);
}

function replyTo(key: string, { run, step, replies }: Moment): AskedQuestion['replies'] {
  const reply = replies.find((one) => one.key === key);
  if (reply === undefined) return [];
  const { arm, block, learningRate } = run;
  return [
    { arm, block, ...(learningRate !== undefined && { learningRate }), step, text: reply.text, scores: reply.scores },
  ];
}

/** A line of replies: the first sample of a question, as `replyLine` writes it. */
function replyOf(line: Json): Reply | undefined {
  if (!isJsonObject(line) || line['sample'] !== 0) return undefined;
  const { eval: evaluation, line: number, reply, scores, missing, end } = line;
  if (typeof evaluation !== 'string' || typeof reply !== 'string') return undefined;
  const scored = isJsonObject(scores) ? Object.entries(scores).map(([name, score]) => `${name} ${plainOf(score)}`) : [];
  const lacking = isJsonObject(missing)
    ? Object.entries(missing).map(([name, why]) => `no ${name}: ${plainOf(why)}`)
    : [];
  const cut = end === 'length' ? ['cut at its greatest length'] : [];
  return {
    key: JSON.stringify([evaluation, number ?? null]),
    evaluation,
    question: questionText(line),
    text: reply,
    scores: [...scored, ...lacking, ...cut].join(', '),
  };
}

function questionText({ prompt, messages }: Readonly<Record<string, Json>>): string {
  if (typeof prompt === 'string') return prompt;
  if (!Array.isArray(messages)) return '';
  return messages
    .flatMap((message) =>
      isJsonObject(message) ? [`${plainOf(message['role'])}: ${plainOf(message['content'])}`] : [],
    )
    .join('\n');
}

/** A text as it is, anything else as JSON. */
function plainOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

/** First rows, arms that were given the same together. */
function givenRows(folder: string, keeping: readonly PlanMember[]): readonly GivenRows[] {
  const read = keeping.flatMap((run) => {
    if (!keptTexts(folder, run).includes(ROWS)) return [];
    const rows = linesOf(folder, run, ROWS).map(piecesOf);
    return [{ arm: run.arm, rows }];
  });
  return [...Map.groupBy(read, ({ rows }) => JSON.stringify(rows)).values()].flatMap((group) =>
    group[0] === undefined ? [] : [{ arms: group.map(({ arm }) => arm), rows: group[0].rows }],
  );
}

/** The first episodes of a run. */
function livedBy(folder: string, run: PlanMember): LivedEpisodes | undefined {
  if (!keptTexts(folder, run).includes(EPISODES_FILE)) return undefined;
  const episodes = linesOf(folder, run, EPISODES_FILE)
    .flatMap((line) => readEpisode(line) ?? [])
    .slice(0, EPISODES);
  const { arm, block, learningRate } = run;
  return episodes.length === 0
    ? undefined
    : { arm, block, ...(learningRate !== undefined && { learningRate }), episodes };
}

/** The tables a run kept as `table-*.json`, `{ title, columns, rows }` with texts as cells; others are left out. */
function tablesOf(folder: string, run: PlanMember): readonly KeptTable[] {
  return keptTexts(folder, run)
    .filter((name) => TABLE.test(name))
    .flatMap((name) => linesOf(folder, run, name))
    .flatMap((table): KeptTable[] => {
      if (!isJsonObject(table)) return [];
      const { title, columns, rows } = table;
      if (typeof title !== 'string' || !isTexts(columns) || !Array.isArray(rows)) return [];
      const whole = rows.flatMap((row) => (isTexts(row) && row.length === columns.length ? [row] : []));
      const { arm, block } = run;
      return whole.length === rows.length ? [{ arm, block, title, columns, rows: whole }] : [];
    });
}

function isTexts(value: Json | undefined): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}

function piecesOf(row: Json): GivenRows['rows'][number] {
  if (!Array.isArray(row)) return [];
  return row.flatMap((piece) =>
    isJsonObject(piece) && typeof piece['text'] === 'string'
      ? [{ text: piece['text'], isLearned: piece['learned'] === true }]
      : [],
  );
}

/** A line of pairs, as a recipe that shows scenes keeps them. */
function pairOf(line: Json): readonly ScenePair[] {
  if (!isJsonObject(line)) return [];
  const [pictures, captions] = [twoOf(line['pictures'], isText), twoOf(line['captions'], isText)];
  const rows = twoOf(line['cosines'], Array.isArray)?.map((row) => twoOf(row, isNumber));
  const [first, second] = rows ?? [];
  const isWhole = pictures?.every((png) => png.startsWith(PNG_START)) === true;
  return isWhole && captions && first && second ? [{ pictures, captions, cosines: [first, second] }] : [];
}

function twoOf<T extends Json>(value: Json | undefined, is: (one: Json) => one is T): readonly [T, T] | undefined {
  if (!Array.isArray(value) || value.length !== 2) return undefined;
  const [a, b] = value;
  return a !== undefined && b !== undefined && is(a) && is(b) ? [a, b] : undefined;
}

function isText(value: Json): value is string {
  return typeof value === 'string';
}

function isNumber(value: Json): value is number {
  return typeof value === 'number';
}

function linesOf(folder: string, run: PlanMember, name: string): readonly Json[] {
  return readKeptText(folder, run, name)
    .split('\n')
    .flatMap((line): Json[] => {
      try {
        return line === '' ? [] : [JSON.parse(line)];
      } catch {
        return [];
      }
    });
}
