/**
 * Models by name: `hf://org/name[@revision]` becomes a folder in the standard Hugging Face cache.
 * Layout (shared with huggingface_hub, so nothing is downloaded twice):
 * `models--org--name/{blobs/<checksum>, refs/<revision>, snapshots/<commit>/<file> -> ../../blobs/<checksum>}`.
 * Only the files Assay reads are fetched. The token, the cache and being offline are arguments, never the environment.
 */
import { copyFile, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import type { ListFileEntry } from '@huggingface/hub';
import { HubApiError, listFiles, modelInfo } from '@huggingface/hub';

import { AssayError, messageOf } from '#base/errors.ts';
import { makeFolder } from '#base/make-folder.ts';

import { hubFetch } from './hub-fetch.ts';
import { downloadShared, type LockTimes, type SharedPlace } from './shared-download.ts';

/** A model on the hub. */
export interface HubModel {
  /** `org/name`. */
  readonly name: string;
  /** Branch, tag or commit. */
  readonly revision: string;
}

/** How far a download is, over all files of the model. */
export interface HubProgress {
  readonly file: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** Where to fetch from and where to keep it. */
export interface HubOptions {
  /** The cache's folder, such as `~/.cache/huggingface/hub`. */
  readonly cacheDir: string;
  /** Needed for gated and private models. */
  readonly token?: string;
  /** Use only what is in the cache. */
  readonly offline?: boolean;
  readonly hubUrl?: string;
  readonly signal?: AbortSignal;
  onProgress?(progress: HubProgress): void;
  /** Told where another process downloads a file that is wanted: its name, and who that is. */
  onWait?(file: string, holder: string): void;
  readonly lockTimes?: LockTimes;
}

const HUB_URL = 'https://huggingface.co';

/** The files Assay reads; others (pickles, other formats, images) stay on the hub. */
const WANTED = [
  /^(?:config|generation_config|tokenizer|tokenizer_config|special_tokens_map|added_tokens|adapter_config)\.json$/,
  /^(?:preprocessor_config|processor_config|vocab|open_clip_config|model\.safetensors\.index)\.json$/,
  /^(?:chat_template\.jinja|merges\.txt|spiece\.model|arcade100k\.tiktoken)$/,
  /^(?:model(?:-\d+-of-\d+)?|adapter_model|open_clip_model)\.safetensors$/,
];
/** What is only read where another file is not there. */
const INSTEAD_OF: Readonly<Record<string, readonly string[]>> = {
  'tokenizer.json': ['vocab.json', 'merges.txt', 'arcade100k.tiktoken'],
  'config.json': ['open_clip_config.json', 'open_clip_model.safetensors'],
};

/** One of these is in every folder. */
const CONFIGS = ['config.json', 'adapter_config.json', 'open_clip_config.json'];

const NAME = /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/;
const REVISION = /^[A-Za-z0-9][\w.-]*(?:\/[A-Za-z0-9][\w.-]*)*$/;
const COMMIT = /^[0-9a-f]{40}$/;
const CHECKSUM = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/**
 * The model an address names, or undefined when it is no `hf://` address.
 * @throws AssayError when it is one and is malformed.
 */
export function parseHubAddress(address: string): HubModel | undefined {
  if (!address.startsWith('hf://')) return undefined;
  const [name = '', revision = 'main', ...rest] = address.slice('hf://'.length).split('@');
  const isSafe = NAME.test(name) && REVISION.test(revision) && !/\.\./.test(name + revision) && rest.length === 0;
  if (isSafe) return { name, revision };
  throw new AssayError('usage', `Expected hf://org/name or hf://org/name@revision, found ${address.slice(0, 200)}.`);
}

/**
 * The folder of a model in the cache, with all files Assay reads; what is missing is downloaded.
 * @throws AssayError when the model is unknown or gated, a download fails, or `offline` and it is not in the cache.
 */
export async function fetchModel(model: HubModel, options: HubOptions): Promise<string> {
  const repository = join(options.cacheDir, `models--${model.name.replace('/', '--')}`);
  if (options.offline === true) return await cachedSnapshot(repository, model);
  try {
    const commit = await commitOf(model, options);
    const snapshot = join(repository, 'snapshots', commit);
    const files = await wantedFiles(model, commit, options);
    makeFolder(join(repository, 'blobs'));
    makeFolder(snapshot);
    await fetchFiles(files, { model, commit, repository, snapshot }, options);
    if (model.revision !== commit) await writeRef(repository, model.revision, commit);
    return snapshot;
  } catch (thrown) {
    options.signal?.throwIfAborted();
    throw thrown instanceof AssayError ? thrown : hubError(thrown, model);
  }
}

/** What of the library's options is the same in every call. */
function access(options: HubOptions): { hubUrl: string; accessToken?: string; fetch: typeof fetch } {
  const hubUrl = options.hubUrl ?? HUB_URL;
  const common = { hubUrl, fetch: hubFetch(hubUrl, options.signal) };
  return options.token === undefined ? common : { ...common, accessToken: options.token };
}

async function commitOf(model: HubModel, options: HubOptions): Promise<string> {
  const { name, revision } = model;
  const info = await modelInfo({ name, revision, additionalFields: ['sha'], ...access(options) });
  if (COMMIT.test(info.sha)) return info.sha;
  throw new AssayError('file', `${name}: expected the hub to name a commit, found ${info.sha.slice(0, 80)}.`);
}

async function wantedFiles(model: HubModel, commit: string, options: HubOptions): Promise<readonly ListFileEntry[]> {
  const files: ListFileEntry[] = [];
  for await (const entry of listFiles({ repo: model.name, revision: commit, ...access(options) })) {
    if (entry.type === 'file' && WANTED.some((pattern) => pattern.test(entry.path))) files.push(entry);
  }
  const spare = new Set(files.flatMap(({ path }) => INSTEAD_OF[path] ?? []));
  const read = files.filter(({ path }) => !spare.has(path));
  if (read.some(({ path }) => path.endsWith('.safetensors'))) return read;
  throw new AssayError('file', `${model.name}: expected safetensors files on the hub, found none.`);
}

/** Where a model's files go. */
interface Place {
  readonly model: HubModel;
  readonly commit: string;
  readonly repository: string;
  readonly snapshot: string;
}

async function fetchFiles(files: readonly ListFileEntry[], place: Place, options: HubOptions): Promise<void> {
  const totalBytes = files.reduce((sum, { size }) => sum + size, 0);
  let doneBefore = 0;
  for (const entry of files) {
    const checksum = entry.lfs?.oid ?? entry.oid ?? '';
    if (!CHECKSUM.test(checksum) || !Number.isSafeInteger(entry.size) || entry.size < 0) {
      throw new AssayError('file', `${place.model.name}: the hub lists ${entry.path} without a checksum and size.`);
    }
    const blob = join(place.repository, 'blobs', checksum);
    const report = (done: number): void =>
      options.onProgress?.({ file: entry.path, doneBytes: doneBefore + done, totalBytes });
    if (!(await exists(blob))) {
      const url = `${options.hubUrl ?? HUB_URL}/${place.model.name}/resolve/${place.commit}/${entry.path}`;
      const transfer = { token: options.token, signal: options.signal, onBytes: report };
      await downloadShared(
        { url, size: entry.size, checksum },
        sharedPlace(blob, entry.path, place, options),
        transfer,
      );
    }
    await link(checksum, blob, join(place.snapshot, entry.path));
    doneBefore += entry.size;
    report(0);
  }
}

/** Locks lie where those of huggingface_hub do, under names of our own. */
function sharedPlace(blob: string, file: string, { repository }: Place, options: HubOptions): SharedPlace {
  const lock = join(options.cacheDir, '.locks', basename(repository), `${basename(blob)}.assay.lock`);
  const onWait = (holder: string): void => options.onWait?.(file, holder);
  return { blob, lock, onWait, ...(options.lockTimes && { times: options.lockTimes }) };
}

/** Puts a blob into a snapshot: a relative link, or a copy where links are not allowed (Windows without the right). */
async function link(checksum: string, blob: string, path: string): Promise<void> {
  if (await exists(path)) return;
  try {
    await symlink(join('..', '..', 'blobs', checksum), path);
  } catch {
    await copyFile(blob, path);
  }
}

async function writeRef(repository: string, revision: string, commit: string): Promise<void> {
  const path = join(repository, 'refs', revision);
  makeFolder(dirname(path));
  const partial = `${path}.${process.pid}.partial`;
  await writeFile(partial, commit);
  await rename(partial, path);
}

async function cachedSnapshot(repository: string, model: HubModel): Promise<string> {
  const isCommit = COMMIT.test(model.revision);
  const ref = isCommit
    ? model.revision
    : await readFile(join(repository, 'refs', model.revision), 'utf8').catch(() => '');
  const commit = ref.trim();
  const snapshot = join(repository, 'snapshots', commit);
  if (COMMIT.test(commit)) {
    for (const name of CONFIGS) if (await exists(join(snapshot, name))) return snapshot;
  }
  const found = `hf://${model.name}@${model.revision} is not in the cache at ${repository}`;
  throw new AssayError('file', `${found}, and offline nothing is downloaded. Run once online.`);
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

function hubError(thrown: unknown, model: HubModel): AssayError {
  const name = `hf://${model.name}@${model.revision}`;
  const status = thrown instanceof HubApiError ? thrown.statusCode : undefined;
  const hint =
    status === 401 || status === 403
      ? 'It is private or gated: ask for access on its page and pass a token.'
      : status === 404
        ? 'There is no such model or revision, or it is private and needs a token.'
        : 'Check the connection, or use what is in the cache (offline).';
  return new AssayError('file', `${name}: the hub could not be read: ${messageOf(thrown)}. ${hint}`, { cause: thrown });
}
