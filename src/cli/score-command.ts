/** `assay score`: transcripts of agents by a declared good, read as assistant, agent and engine; nothing is trained. */
import { availableParallelism } from 'node:os';
import { basename, extname, join, resolve } from 'node:path';

import type { Chat } from '#base/chat.ts';
import { AssayError, nearestName } from '#base/errors.ts';
import { canonicalJson } from '#base/json.ts';
import { rngOf } from '#base/rng.ts';
import { chatService } from '#desk/chat-service.ts';
import { type OutputFolder, writeOutputs } from '#desk/output-folder.ts';
import { countedChat } from '#desk/scoring/counted-chat.ts';
import { askAgain, costOfAsking, type ExplicitOutcome } from '#desk/scoring/explicit.ts';
import { readScoring, type ReadScoring } from '#desk/scoring/read-scoring.ts';
import { billText, checkJudge, emptyBill } from '#measures/judge.ts';
import { renderScorePage } from '#report/score/score-page.ts';
import { scoreLines, type ScoreTold } from '#report/score/score-table.ts';
import { type ProfileName, PROFILES } from '#scoring/good.ts';
import { judgeQuestions, promptTokens } from '#scoring/judging.ts';
import {
  checkGood,
  comparedEpisodes,
  isSplit,
  type ScoreRecord,
  scoreTranscripts,
} from '#scoring/score-transcripts.ts';
import { parseSetting } from '#study/settings.ts';

import { EXIT } from './answer-lines.ts';
import { shellWord } from './command-text.ts';
import { endpointLine, giveLeave } from './endpoints.ts';
import type { Given, OptionName } from './options.ts';
import { storeFolder } from './store-folder.ts';
import type { Terminal } from './terminal.ts';

export const SCORE_OPTIONS: readonly OptionName[] = [
  'good',
  'profile',
  'explicit',
  'set',
  'dry-run',
  'allow-key',
  'allow-endpoint',
  'store',
  'out',
  'force',
  'json',
];

const SCHEMA_VERSION = 2;

/** Scores; resolves with the exit status. @throws AssayError on bad usage or input, before anything is asked or written. */
export async function scoreCommand(given: Given, terminal: Terminal): Promise<number> {
  const good = given.text('good');
  if (good === undefined) {
    throw new AssayError(
      'usage',
      'Expected --good FILE, which declares what is good. See docs/guide/09-scoring-transcripts.md.',
    );
  }
  const profiles = profilesGiven(given);
  const settings = given.texts('set').map(parseSetting);
  const read = await readScoring({ transcripts: given.positionals, good, explicit: given.text('explicit'), settings });
  const { judge } = read;
  const nobody: Chat = async () => ({ kind: 'failed', reason: 'nobody is asked yet' });
  const checked = {
    functions: read.functions,
    ...(judge && { judge: { config: judge, chat: nobody, bill: emptyBill() } }),
  };
  checkGood(read.good, profiles, checked);
  for (const line of costLines(read, profiles)) terminal.note(line);
  if (given.flag('dry-run')) return 0;
  const controller = new AbortController();
  const asked = await ask(read, profiles, given, { terminal, controller }).catch((thrown: unknown) => {
    if (!controller.signal.aborted) throw thrown;
    return undefined;
  });
  if (asked === undefined) {
    terminal.note('Stopped. The same command goes on from what was answered.');
    return EXIT.interrupted;
  }
  const report = writeReport(folderOf(given), read, asked, commandOf(given));
  const say = given.flag('json') ? terminal.note : terminal.out;
  for (const line of [...scoreLines(toldOf(asked), terminal.page), `report: ${report}`]) say(line);
  if (given.flag('json')) terminal.out(jsonLine(asked, report));
  if (asked.failures > 0) return EXIT.failedRuns;
  return asked.record.profiles.every(({ episodes }) => episodes === 0) ? EXIT.nothingScored : EXIT.ended;
}

function profilesGiven(given: Given): readonly ProfileName[] {
  const texts = given.texts('profile');
  for (const text of texts) {
    if (PROFILES.some((name) => name === text)) continue;
    throw new AssayError(
      'usage',
      `--profile expects ${PROFILES.join(', ')}, found "${text}"; the nearest is "${nearestName(text, PROFILES)}".`,
    );
  }
  return texts.length === 0 ? PROFILES : PROFILES.filter((name) => texts.includes(name));
}

/** What will be asked, and about what it costs, before anything is. */
function costLines(
  { transcripts, good, judge, explicit }: ReadScoring,
  profiles: readonly ProfileName[],
): readonly string[] {
  const lines = [`${transcripts.length} ${transcripts.length === 1 ? 'episode' : 'episodes'} to score`];
  if (judge !== undefined) {
    const questions = judgeQuestions(transcripts, good, profiles);
    const tokens = promptTokens(questions.values(), judge);
    const cost =
      judge.price.prompt === 0 ? '' : `, about ${((tokens * judge.price.prompt) / 1e6).toFixed(2)} for prompts`;
    lines.push(
      `judge: at most ${questions.size} questions, about ${tokens} prompt tokens${cost}; what was answered before is kept`,
    );
  }
  if (explicit !== undefined) lines.push(...costOfAsking(explicit, transcripts));
  return lines;
}

/** What came of scoring, and of asking again. */
interface Asked {
  readonly record: ScoreRecord;
  readonly explicit?: ExplicitOutcome;
  readonly bills: readonly string[];
  /** Questions that endpoints did not answer. */
  readonly failures: number;
}

async function ask(
  read: ReadScoring,
  profiles: readonly ProfileName[],
  given: Given,
  { terminal, controller }: { readonly terminal: Terminal; readonly controller: AbortController },
): Promise<Asked> {
  const { transcripts, good, functions, judge, explicit } = read;
  giveLeave(given);
  const stop = (): void => controller.abort();
  process.once('SIGINT', stop);
  const { signal } = controller;
  const service = chatService(storeFolder(given), process.env);
  const isJson = given.flag('json');
  const say = (url: string, keyVariable: string): void => {
    const line = endpointLine(url, keyVariable, isJson, 'Transcripts');
    if (line !== undefined) terminal.note(line);
  };
  try {
    const bill = emptyBill();
    if (judge !== undefined) {
      say(judge.url, judge.keyVariable);
      await checkJudge(judge, service);
    }
    const shown = countedChat(
      service,
      judge === undefined ? 0 : judgeQuestions(transcripts, good, profiles).size,
      terminal,
      'judge',
    );
    const options = { profiles, functions, signal, ...(judge && { judge: { config: judge, chat: shown.chat, bill } }) };
    const record = await scoreTranscripts(transcripts, good, options);
    shown.end();
    const bills = judge === undefined ? [] : [billText(bill, judge)];
    if (explicit === undefined) return { record, bills, failures: bill.failed };
    if (explicit.again.kind === 'endpoint') say(explicit.again.agent.url, explicit.again.agent.keyVariable);
    const threads = availableParallelism();
    const outcome = await askAgain(explicit, transcripts, {
      chat: service,
      audience: terminal,
      signal,
      threads,
      rng: rngOf(0, 'explicitness'),
    });
    return { record, explicit: outcome, bills: [...bills, ...outcome.bills], failures: bill.failed };
  } finally {
    process.removeListener('SIGINT', stop);
  }
}

function toldOf({ record, explicit }: Pick<Asked, 'record' | 'explicit'>): ScoreTold {
  const { trade } = explicit ?? {};
  return { record, ...(explicit && { explicitness: explicit.record }), ...(trade && { askedTrade: trade }) };
}

function folderOf(given: Given): OutputFolder {
  const [first = ''] = given.positionals;
  return {
    path: resolve(given.text('out') ?? `${basename(first, extname(first))}-score`),
    isForced: given.flag('force'),
  };
}

function writeReport(folder: OutputFolder, { files }: ReadScoring, asked: Asked, command: string): string {
  const page = renderScorePage({ ...toldOf(asked), files, bills: asked.bills, command });
  writeOutputs(folder, [...page.files, { name: 'report.html', content: page.html }]);
  return join(folder.path, 'report.html');
}

function commandOf(given: Given): string {
  const options = SCORE_OPTIONS.flatMap((name) =>
    given.flag(name) ? [`--${name}`] : given.texts(name).flatMap((text) => [`--${name}`, text]),
  );
  return ['assay', 'score', ...given.positionals, ...options].map(shellWord).join(' ');
}

/** The answer as one line of JSON: a contract with scripts; a further field is a change of `schemaVersion`. */
function jsonLine({ record, explicit, failures }: Asked, report: string): string {
  const line = {
    schemaVersion: SCHEMA_VERSION,
    good: record.good,
    passes: record.passes,
    episodes: record.episodes.length,
    profiles: record.profiles,
    compared: comparedEpisodes(record.episodes),
    disagreements: record.episodes.filter(isSplit).map(({ transcript }) => transcript.id),
    doubts: record.doubts,
    ...(record.trade && { trade: record.trade }),
    ...(explicit && { explicitness: explicit.record }),
    ...(explicit?.trade && { askedTrade: explicit.trade }),
    failedQuestions: failures,
    report,
  };
  // Refuses NaN and infinities, which JSON.stringify would turn into null.
  canonicalJson(line);
  return JSON.stringify(line);
}
