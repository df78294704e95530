/** Everything that `assay score` is given, read whole before anything is asked: transcripts, the good, its functions, who is asked again. */
import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { configReader } from '#base/config-reader.ts';
import { AssayError, messageOf } from '#base/errors.ts';
import { isJsonObject, type Json, type JsonObject, sha256 } from '#base/json.ts';
import { bytesOf } from '#desk/audit/audit-sources.ts';
import { JUDGE_DEFAULTS, readJudge } from '#recipes/finetune/evaluation-config.ts';
import { type Good, parseGood } from '#scoring/good.ts';
import { jsonIn } from '#scoring/import/fields.ts';
import { readTranscripts } from '#scoring/import/read-transcripts.ts';
import type { ScoreEpisode, ScoringOptions } from '#scoring/score-transcripts.ts';
import type { Transcript } from '#scoring/transcript.ts';
import { type Setting, withSettings } from '#study/settings.ts';

import { type AskedAgain, parseAskedAgain } from './asked-again.ts';

/** What was given. */
export interface ScoringFiles {
  readonly transcripts: readonly string[];
  readonly good: string;
  /** Says between what an agent decided, and who is asked again. */
  readonly explicit?: string | undefined;
  /** Over the parts `judge` and `agent`. */
  readonly settings: readonly Setting[];
}

/** All of it, read. */
export interface ReadScoring {
  readonly transcripts: readonly Transcript[];
  readonly good: Good;
  readonly functions: Readonly<Record<string, ScoreEpisode>>;
  /** Absent where no rule asks one. */
  readonly judge?: JudgeConfig;
  readonly explicit?: AskedAgain;
  readonly files: readonly { readonly name: string; readonly hash: string }[];
}

type JudgeConfig = NonNullable<ScoringOptions['judge']>['config'];

const PARTS = ['judge', 'agent'];

/** @throws AssayError naming file and place of what cannot be used. */
export async function readScoring(given: ScoringFiles): Promise<ReadScoring> {
  const stray = given.settings.find(({ path }) => !PARTS.includes(path.split('.')[0] ?? ''));
  if (stray !== undefined) {
    throw new AssayError(
      'usage',
      `--set expects a path below ${PARTS.join(' or ')}, such as judge.model, found "${stray.path}".`,
    );
  }
  const several = given.transcripts.length > 1;
  const files: { name: string; hash: string }[] = [];
  const jsonOf = (path: string): Json => jsonIn(hashed(path, files), path);
  const transcripts = given.transcripts.flatMap((path) => {
    const read = readTranscripts(hashed(path, files), basename(path));
    return several ? read.map((one) => ({ ...one, id: `${basename(path)}: ${one.id}` })) : read;
  });
  refuseRepeated(transcripts);
  const good = parseGood(jsonOf(given.good), basename(given.good));
  const functions =
    good.functions === undefined ? {} : await functionsOf(resolve(dirname(given.good), good.functions), files);
  const isJudged = good.rules.some(({ reader }) => reader.kind === 'judge');
  const explicit =
    given.explicit === undefined
      ? undefined
      : parseAskedAgain(jsonOf(given.explicit), basename(given.explicit), settingsBelow(given.settings, 'agent'));
  refuseUnread(given.settings, isJudged, explicit);
  const judge = isJudged
    ? judgeOf(good.judge ?? {}, settingsBelow(given.settings, 'judge'), basename(given.good))
    : undefined;
  // What is declared is read whole, also where nobody is asked.
  if (good.judge !== undefined) readJudge(configReader({ ...JUDGE_DEFAULTS, ...good.judge }, 'judge'));
  return {
    transcripts,
    good,
    functions,
    ...(judge && { judge }),
    ...(explicit && { explicit }),
    files,
  };
}

/** Refuses settings of somebody who is not asked. */
function refuseUnread(settings: readonly Setting[], isJudged: boolean, explicit: AskedAgain | undefined): void {
  const isAgentAsked = explicit?.again.kind === 'endpoint';
  for (const { path } of settings) {
    const isJudge = path.split('.')[0] === 'judge';
    if (isJudge ? isJudged : isAgentAsked) continue;
    throw new AssayError(
      'usage',
      isJudge
        ? `--set ${path}: expected a rule that asks a judge ("judge": RUBRIC), found none.`
        : `--set ${path}: expected an agent behind an endpoint that is asked again (--explicit), found none.`,
    );
  }
}

function settingsBelow(settings: readonly Setting[], part: string): readonly Setting[] {
  return settings.flatMap((setting): Setting[] => {
    const { path, value } = setting;
    if (path !== part) return path.startsWith(`${part}.`) ? [{ ...setting, path: path.slice(part.length + 1) }] : [];
    const whole = isJsonObject(value) ? Object.entries(value) : [];
    return whole.map(([key, own]) => ({ ...setting, path: key, value: own }));
  });
}

function judgeOf(given: JsonObject, settings: readonly Setting[], where: string): JudgeConfig {
  const judge = readJudge(configReader(withSettings({ ...JUDGE_DEFAULTS, ...given }, settings), 'judge'));
  if (judge.url !== '' && judge.model !== '') return judge;
  throw new AssayError(
    'config',
    `${where}, judge: expected "url" and "model", since a rule asks a judge. Write them there, or give --set judge.url=https://api.openai.com/v1 --set judge.model=MODEL.`,
  );
}

function hashed(path: string, files: { name: string; hash: string }[]): Uint8Array {
  const bytes = bytesOf(resolve(path));
  files.push({ name: basename(path), hash: sha256(bytes) });
  return bytes;
}

function refuseRepeated(transcripts: readonly Transcript[]): void {
  const seen = new Set<string>();
  for (const { id, where } of transcripts) {
    if (seen.has(id))
      throw new AssayError(
        'data',
        `${where}: expected episodes of their own, found "${id}" twice. Is a file given twice?`,
      );
    seen.add(id);
  }
}

/** The functions that a module of the user's exports. */
async function functionsOf(
  path: string,
  files: { name: string; hash: string }[],
): Promise<Readonly<Record<string, ScoreEpisode>>> {
  if (!existsSync(path)) throw new AssayError('file', `"functions": expected a module at ${path}, found no file.`);
  hashed(path, files);
  let exported: unknown;
  try {
    exported = await import(pathToFileURL(path).href);
  } catch (thrown) {
    throw new AssayError('file', `${path}: expected a module that can be loaded: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
  const entries = typeof exported === 'object' && exported !== null ? Object.entries(exported) : [];
  return Object.fromEntries(entries.filter((entry): entry is [string, ScoreEpisode] => typeof entry[1] === 'function'));
}
