/**
 * Models and adapters named `hf://org/name[@revision]` anywhere in a study's or the user's settings: fetched into the
 * Hugging Face cache before anything is planned, and replaced by their folders, so that a run's identity hashes their
 * content and nothing below the desk knows of the network.
 */
import { homedir } from 'node:os';
import { join } from 'node:path';

import { canonicalJson, isJsonObject, type Json, type JsonObject } from '#base/json.ts';
import type { HubOptions, HubProgress } from '#desk/hub/hub.ts';
import type { Setting } from '#study/settings.ts';
import type { Study } from '#study/study.ts';

import type { Audience } from '#desk/audience.ts';

const ADDRESS = 'hf://';
/** Between two reports of a download: as JSON or on a terminal, and as plain lines. */
const REPORT_MS = 500;
const PLAIN_MS = 10_000;

/** A study with the user's settings. */
export interface Chosen {
  readonly study: Study;
  readonly settings: readonly Setting[];
}

/** Where a download's settings are looked up, and who is told of it. */
export interface Downloading {
  /** The variables of huggingface_hub, such as HF_TOKEN. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly audience: Audience;
  /** Whether news are JSON. */
  readonly isJson: boolean;
}

/** Fetches what hub addresses name and puts folders in their place. @throws AssayError where a download fails. */
export async function withDownloads(chosen: Chosen, downloading: Downloading): Promise<Chosen> {
  const addresses = addressesIn(chosen);
  if (addresses.size === 0) return chosen;
  const folders = new Map<string, string>();
  for (const address of addresses) folders.set(address, await fetched(address, downloading));
  return withFolders(chosen, folders);
}

async function fetched(address: string, downloading: Downloading): Promise<string> {
  // Loaded only where a download is asked for: it takes longer than everything else of the command line.
  const { fetchModel, parseHubAddress } = await import('#desk/hub/hub.ts');
  const model = parseHubAddress(address);
  if (model === undefined) throw new Error(`${address} is no hub address`);
  const { onProgress, onWait, close } = progressOf(address, downloading);
  const folder = await fetchModel(model, { ...hubOptions(downloading.environment), onProgress, onWait });
  close(folder);
  return folder;
}

/** The variables that huggingface_hub reads. @see https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables */
function hubOptions(environment: Downloading['environment']): HubOptions {
  const { HF_TOKEN, HF_HOME, HF_HUB_CACHE, HF_HUB_OFFLINE = '', HF_ENDPOINT } = environment;
  const home = HF_HOME ?? join(homedir(), '.cache', 'huggingface');
  return {
    cacheDir: HF_HUB_CACHE ?? join(home, 'hub'),
    offline: ['1', 'true', 'yes', 'on'].includes(HF_HUB_OFFLINE.toLowerCase()),
    ...(HF_TOKEN === undefined ? {} : { token: HF_TOKEN }),
    ...(HF_ENDPOINT === undefined ? {} : { hubUrl: HF_ENDPOINT }),
  };
}

interface Display {
  onProgress(progress: HubProgress): void;
  onWait(file: string, holder: string): void;
  close(folder: string): void;
}

function progressOf(address: string, { audience, isJson }: Downloading): Display {
  let saidMs = audience.now();
  const everyMs = isJson || audience.isInteractive ? REPORT_MS : PLAIN_MS;
  return {
    onProgress: ({ file, doneBytes, totalBytes }) => {
      if (audience.now() - saidMs < everyMs) return;
      saidMs = audience.now();
      if (isJson) audience.note(canonicalJson({ kind: 'download', address, file, doneBytes, totalBytes }));
      else audience.note(`${address}: ${mebibytes(doneBytes)} of ${mebibytes(totalBytes)} MiB (${file})`);
    },
    onWait: (file, holder) => {
      if (isJson) audience.note(canonicalJson({ kind: 'downloadWaits', address, file, holder }));
      else audience.note(`${address}: ${file} is being downloaded by process ${holder}; waiting for it`);
    },
    close: (folder) => {
      audience.note(isJson ? canonicalJson({ kind: 'downloaded', address, folder }) : `${address} is in ${folder}`);
    },
  };
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

function addressesIn({ study, settings }: Chosen): ReadonlySet<string> {
  const sets = [study.set, ...Object.values(study.profiles).map(({ set }) => set), ...study.arms.map(({ set }) => set)];
  const values: (Json | undefined)[] = [...sets, ...settings.map(({ value }) => value)];
  return new Set(values.flatMap(addressesOf));
}

function addressesOf(value: Json | undefined): string[] {
  if (typeof value === 'string') return value.startsWith(ADDRESS) ? [value] : [];
  if (Array.isArray(value)) return value.flatMap(addressesOf);
  return isJsonObject(value) ? Object.values(value).flatMap(addressesOf) : [];
}

function withFolders({ study, settings }: Chosen, folders: ReadonlyMap<string, string>): Chosen {
  const replaced = (value: Json): Json => {
    if (typeof value === 'string') return folders.get(value) ?? value;
    if (Array.isArray(value)) return value.map(replaced);
    return isJsonObject(value) ? replacedIn(value) : value;
  };
  const replacedIn = (set: JsonObject): JsonObject =>
    Object.fromEntries(Object.entries(set).map(([key, value]) => [key, replaced(value)]));
  const withSet = <T extends { readonly set?: JsonObject }>(part: T): T =>
    part.set === undefined ? part : { ...part, set: replacedIn(part.set) };
  return {
    study: studyWith(study, withSet),
    settings: settings.map((setting) => ({ ...setting, value: replaced(setting.value) })),
  };
}

/** A study whose sets are changed, also those of the arms that settings may choose for it. */
function studyWith(study: Study, withSet: <T extends { readonly set?: JsonObject }>(part: T) => T): Study {
  const { quick, standard, full } = study.profiles;
  const { vary } = study;
  return {
    ...withSet(study),
    arms: study.arms.map(withSet),
    profiles: {
      quick: withSet(quick),
      ...(standard === undefined ? {} : { standard: withSet(standard) }),
      ...(full === undefined ? {} : { full: withSet(full) }),
    },
    ...(vary === undefined ? {} : { vary: (variation) => studyWith(vary(variation), withSet) }),
  };
}
