/**
 * Logs of Inspect (https://inspect.aisi.org.uk/eval-logs.html): `.json`, and `.eval`, an archive with one member a sample.
 * A sample is a transcript: its messages are the steps, its store and scores the end state, its id the task (so that epochs of
 * one sample are one unit), and `task`, `goal` and `terms` of its metadata are those of the transcript. One that ended with an
 * error has no score; one that ended at a limit ended there.
 */
import { isJsonObject, type Json, type JsonObject } from '#base/json.ts';
import { parseStrictObject } from '#base/strict-json.ts';
import type { Step, Transcript } from '#scoring/transcript.ts';

import { listIn, nameIn, objectIn, refuse, shown } from './fields.ts';
import { readLabels } from './labels.ts';
import { stepsOfMessages } from './messages.ts';
import { zipMembers } from './zip.ts';

const VERSIONS = [1, 2];
const ATTACHMENT = 'attachment://';
const SAMPLE = /^samples\/.+\.json$/;

/** Whether a file's JSON is a log. */
export function isInspectLog(value: JsonObject): boolean {
  return isJsonObject(value['eval']) && value['version'] !== undefined;
}

/** The transcripts of a `.json` log. @throws AssayError naming the sample and what is wrong in it. */
export function inspectTranscripts(log: JsonObject, where: string): readonly Transcript[] {
  checkVersion(log['version'], where);
  const samples = log['samples'];
  if (samples === undefined || samples === null)
    refuse(where, 'a log with its samples', 'one without', 'Run inspect with log_samples.');
  return listIn(samples, `${where}, samples`).map((sample, i) =>
    transcriptOf(objectIn(sample, `${where}, sample ${i}`), where),
  );
}

/** The transcripts of an `.eval` archive. @throws AssayError as above, and where the archive is damaged. */
export function inspectArchive(bytes: Uint8Array, where: string): readonly Transcript[] {
  const members = zipMembers(bytes, where);
  const head =
    members.find(({ name }) => name === 'header.json') ?? members.find(({ name }) => name === '_journal/start.json');
  if (head === undefined)
    return refuse(where, 'a log of Inspect (header.json)', `an archive of ${members.length} other members`);
  checkVersion(parseStrictObject(head.read(), `${where}/${head.name}`)['version'], where);
  const samples = members.filter(({ name }) => SAMPLE.test(name));
  if (samples.length === 0) refuse(where, 'a log with its samples', 'one without', 'Run inspect with log_samples.');
  return samples.map((member) => transcriptOf(parseStrictObject(member.read(), `${where}/${member.name}`), where));
}

function checkVersion(version: Json | undefined, where: string): void {
  if (typeof version !== 'number' || !VERSIONS.includes(version)) {
    refuse(
      where,
      `version ${VERSIONS.join(' or ')} of Inspect's logs`,
      shown(version),
      'Convert it: inspect log convert.',
    );
  }
}

function transcriptOf(sample: JsonObject, where: string): Transcript {
  const id = nameIn(sample['id'], `${where}, id of a sample`);
  const epoch = nameIn(sample['epoch'], `${where}, epoch of sample ${id}`);
  const here = `${where}, sample ${id}, epoch ${epoch}`;
  const attachments = isJsonObject(sample['attachments']) ? sample['attachments'] : {};
  const resolve = (text: string, at: string): string => {
    if (!text.startsWith(ATTACHMENT)) return text;
    const found = attachments[text.slice(ATTACHMENT.length)];
    return typeof found === 'string' ? found : refuse(at, 'the attachment that is named', `none of ${shown(text)}`);
  };
  const metadata = isJsonObject(sample['metadata']) ? sample['metadata'] : {};
  return {
    id: `${id}/${epoch}`,
    task: id,
    ...readLabels(metadata, here),
    ...(isJsonObject(sample['error']) && { broken: 'the episode ended with an error' }),
    steps: [...stepsOfMessages(listIn(sample['messages'], `${here}, messages`), here, resolve), endOf(sample, here)],
    where: here,
  };
}

/** The store under `store`, the value of each scorer under `scores`, the target under `target`. */
function endOf({ store, scores, target }: JsonObject, where: string): Step {
  const given = isJsonObject(scores) ? Object.entries(scores) : [];
  const values = given.map(
    ([name, score]) => [name, objectIn(score, `${where}, score "${name}"`)['value'] ?? null] as const,
  );
  return {
    channel: 'state',
    state: { store: isJsonObject(store) ? store : {}, scores: Object.fromEntries(values), target: target ?? null },
  };
}
