/**
 * Transcripts from the bytes of a file, whichever of the formats it is in: an Inspect log (`.eval` archive or JSON), JSON
 * lines of conversations or of steps with their channels, or one JSON document of either.
 * Invariant: every episode has an id of its own within its file, and at least one step of the agent.
 */
import { isJsonObject, type Json, type JsonObject } from '#base/json.ts';
import { decodeUtf8, parseStrictJsonText } from '#base/strict-json.ts';
import { CHANNELS, type Step, type Transcript } from '#scoring/transcript.ts';

import { listIn, nameIn, objectIn, refuse, refuseOthers, shown, textIn } from './fields.ts';
import { inspectArchive, inspectTranscripts, isInspectLog } from './inspect.ts';
import { LABEL_KEYS, readLabels } from './labels.ts';
import { stepsOfMessages } from './messages.ts';
import { isZip } from './zip.ts';

const LINE_KEYS = ['id', 'messages', 'steps', 'state', 'tools', 'model', 'metadata', ...LABEL_KEYS];
const LFS_POINTER = 'version https://git-lfs.github.com/spec/';

/** @param name The file's name, for messages. @throws AssayError naming file and line, what was expected and what was found. */
export function readTranscripts(bytes: Uint8Array, name: string): readonly Transcript[] {
  const transcripts = isZip(bytes) ? inspectArchive(bytes, name) : transcriptsOfText(decodeUtf8(bytes, name), name);
  if (transcripts.length === 0) refuse(name, 'at least one episode', 'none');
  const seen = new Map<string, string>();
  for (const { id, where, steps, broken } of transcripts) {
    const first = seen.get(id);
    if (first !== undefined) refuse(where, 'an id of its own', `"${id}", which is that of ${first} too`);
    seen.set(id, where);
    const isActive = steps.some(
      ({ channel }) => channel === 'thought' || channel === 'utterance' || channel === 'action',
    );
    if (!isActive && broken === undefined) {
      refuse(where, 'something that the agent thought, said or did', 'nothing');
    }
  }
  return transcripts;
}

function transcriptsOfText(given: string, name: string): readonly Transcript[] {
  const text = given.startsWith('\uFEFF') ? given.slice(1) : given;
  if (text.startsWith(LFS_POINTER))
    refuse(name, 'transcripts', 'a pointer of Git LFS to some', 'Fetch them: git lfs pull.');
  if (text.trim() === '') refuse(name, 'at least one episode', 'an empty file');
  const whole = wholeDocument(text, name);
  if (whole !== undefined) {
    if (isJsonObject(whole) && isInspectLog(whole)) return inspectTranscripts(whole, name);
    if (!Array.isArray(whole)) return [transcriptOf(whole, 1, `${name}:1`)];
    return whole.map((item: Json, i) => transcriptOf(item, i + 1, `${name}, episode ${i + 1}`));
  }
  return text.split('\n').flatMap((line, i) => {
    const where = `${name}:${i + 1}`;
    return line.trim() === '' ? [] : [transcriptOf(parseStrictJsonText(line, where), i + 1, where)];
  });
}

/** One JSON value over the whole file, or undefined where it is one a line. */
function wholeDocument(text: string, name: string): Json | undefined {
  const lines = text.trim().split('\n', 2);
  const isOneLine = lines.length === 1;
  if (!isOneLine && isJson(lines[0] ?? '')) return undefined;
  return parseStrictJsonText(text, name);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function transcriptOf(value: Json, number: number, where: string): Transcript {
  const line = objectIn(value, where);
  refuseOthers(line, LINE_KEYS, where);
  const { messages, steps } = line;
  if ((messages === undefined) === (steps === undefined)) {
    refuse(where, 'one of "messages" and "steps"', messages === undefined ? 'neither' : 'both');
  }
  const did =
    messages === undefined
      ? listIn(steps, `${where}, steps`).map((step, i) =>
          stepOf(objectIn(step, `${where}, step ${i}`), `${where}, step ${i}`),
        )
      : stepsOfMessages(listIn(messages, `${where}, messages`), where);
  const end: readonly Step[] =
    line['state'] === undefined ? [] : [{ channel: 'state', state: objectIn(line['state'], `${where}, state`) }];
  const id = line['id'] === undefined ? String(number) : nameIn(line['id'], `${where}, id`);
  return { id, ...readLabels(line, where), steps: [...did, ...end], where };
}

function stepOf(step: JsonObject, where: string): Step {
  const only = (...keys: readonly string[]): void => refuseOthers(step, ['channel', ...keys], where);
  const channel = CHANNELS.find((one) => one === step['channel']);
  switch (channel) {
    case 'instruction':
    case 'request':
    case 'thought':
    case 'utterance':
      only('text');
      return { channel, text: textIn(step['text'], `${where}, text`) };
    case 'action':
      only('name', 'arguments');
      return {
        channel,
        name: nameIn(step['name'], `${where}, name`),
        arguments: step['arguments'] === undefined ? {} : objectIn(step['arguments'], `${where}, arguments`),
      };
    case 'result':
      only('text', 'of');
      return {
        channel,
        text: textIn(step['text'], `${where}, text`),
        ...(step['of'] !== undefined && { of: nameIn(step['of'], `${where}, of`) }),
      };
    case 'state':
      only('state');
      return { channel, state: objectIn(step['state'], `${where}, state`) };
    case undefined:
      return refuse(where, `a channel among ${CHANNELS.join(', ')}`, shown(step['channel']));
    default:
      return channel satisfies never;
  }
}
