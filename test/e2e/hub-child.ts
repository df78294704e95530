/** Fetches a model into a cache in a process of its own: `hub-child.ts HUB CACHE LOOK_MS SILENT_MS`; says where it waits, and the folder. */
import { fetchModel } from '#desk/hub/hub.ts';

const [hubUrl = '', cacheDir = '', lookMs = '', silentMs = ''] = process.argv.slice(2);
const folder = await fetchModel(
  { name: 'org/tiny', revision: 'main' },
  {
    hubUrl,
    cacheDir,
    onWait: (file, holder) => console.log(`waits for ${file} of ${holder}`),
    lockTimes: { lookMs: Number(lookMs), silentMs: Number(silentMs) },
  },
);
console.log(`folder ${folder}`);
