/**
 * Takes out of this clone's node_modules what only other machines, or nobody here, need: `npm run slim [-- --dry-run]`.
 * ONNX Runtime's package carries the binaries of all platforms, the packaged Node its C++ headers; npm has no way to leave
 * them out. `npm ci` brings them back. Only these folders of these packages are touched, and never what lies behind a link.
 */
import { lstatSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    'dry-run': { type: 'boolean', default: false },
    root: { type: 'string', default: join(import.meta.dirname, '..') },
  },
});
const MODULES = join(values.root, 'node_modules');
const RUNTIME = 'onnxruntime-node';
const MIB = 2 ** 20;

let freed = 0;
for (const folder of [...otherPlatforms(), ...headers()]) {
  const bytes = bytesIn(folder);
  freed += bytes;
  console.log(`${values['dry-run'] ? 'would remove' : 'removed'} ${folder} (${Math.round(bytes / MIB)} MiB)`);
  if (!values['dry-run']) rmSync(folder, { recursive: true });
}
console.log(
  `${Math.round(freed / MIB)} MiB ${values['dry-run'] ? 'would be' : 'were'} freed; "npm ci" brings them back.`,
);

/** The runtime's folders of binaries that are not this machine's; none where this machine's are missing. */
function otherPlatforms(): string[] {
  if (!isPackage(RUNTIME)) return [];
  return foldersIn(join(MODULES, RUNTIME, 'bin')).flatMap((binding) => {
    const platforms = foldersIn(binding).flatMap((system) => foldersIn(system));
    const own = join(binding, process.platform, process.arch);
    return platforms.includes(own) ? platforms.filter((folder) => folder !== own) : [];
  });
}

/** The C++ headers of the packaged Node. */
function headers(): string[] {
  const packages = isFolder(MODULES)
    ? readdirSync(MODULES).filter((name) => /^node-(bin-)?(linux|darwin|win)-/.test(name))
    : [];
  return packages.filter(isPackage).flatMap((name) => {
    const folder = join(MODULES, name, 'include', 'node');
    return isFolder(join(MODULES, name, 'include')) && isFolder(folder) ? [folder] : [];
  });
}

/** Whether npm put a package of this name here, itself and not as a link. */
function isPackage(name: string): boolean {
  const folder = join(MODULES, name);
  if (!isFolder(MODULES) || !isFolder(folder)) return false;
  const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'name' in manifest && manifest.name === name;
}

function foldersIn(folder: string): string[] {
  return isFolder(folder)
    ? readdirSync(folder)
        .map((name) => join(folder, name))
        .filter(isFolder)
    : [];
}

/** A folder, not a link to one. */
function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function bytesIn(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.reduce(
    (sum, entry) => sum + (entry.isFile() ? lstatSync(join(entry.parentPath, entry.name)).size : 0),
    0,
  );
}
