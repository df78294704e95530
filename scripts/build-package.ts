/**
 * Builds the published package: `node scripts/build-package.ts [--out dist]`, then `npm pack ./dist`.
 * Node strips types only outside `node_modules`, so the package carries compiled files, with a package.json made from ours.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const ROOT = resolve(import.meta.dirname, '..');
/** What `assay init` writes into folders of the user's: text here, TypeScript too. */
const TEMPLATES = 'templates';
/** Folders and files that are copied as they are; TypeScript among them is compiled instead, but for templates. */
const COPIED = ['studies', TEMPLATES, 'assets', 'README.md', 'CHANGELOG.md', 'LICENSE'];
/** What of our package.json is the published one's too. */
const KEPT = ['name', 'version', 'description', 'license', 'type', 'dependencies'] as const;
const MAIN = 'src/cli/main.js';

const { values } = parseArgs({ options: { out: { type: 'string', default: join(ROOT, 'dist') } } });
const out = resolve(values.out);
if (!isOurs(out)) {
  console.error(
    `Expected --out to be new, empty or a package built here, found other files in ${out}. They were left alone.`,
  );
  process.exit(2);
}
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
compile();
for (const name of COPIED) copy(name);
writeFileSync(join(out, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`);
chmodSync(join(out, MAIN), 0o755);

/** Whether a folder may be made anew: nobody's files are in it but those of an earlier build. */
function isOurs(folder: string): boolean {
  if (!existsSync(folder) || readdirSync(folder).length === 0) return true;
  const isBuilt = existsSync(join(folder, 'package.json')) && existsSync(join(folder, MAIN));
  return isBuilt && !existsSync(join(folder, 'tsconfig.json')) && !existsSync(join(folder, '.git'));
}

function compile(): void {
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
  execFileSync(process.execPath, [tsc, '-p', join(ROOT, 'tsconfig.build.json'), '--outDir', out], { stdio: 'inherit' });
}

function copy(name: string): void {
  const from = join(ROOT, name);
  if (!existsSync(from)) return;
  cpSync(from, join(out, name), { recursive: true, filter: (path) => name === TEMPLATES || !path.endsWith('.ts') });
}

/** A file of src/ that importers get. */
function door(name: string): object {
  return { types: `./src/${name}.d.ts`, default: `./src/${name}.js` };
}

function manifest(): object {
  const own: unknown = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  if (typeof own !== 'object' || own === null) throw new Error('Expected package.json to hold an object.');
  const kept = Object.entries(own).filter(([key]) => KEPT.some((name) => name === key));
  return {
    ...Object.fromEntries(kept),
    engines: { node: '>=24' },
    bin: { assay: MAIN },
    exports: {
      '.': door('index'),
      './learn': door('learn'),
      './studies/*.ts': { types: './studies/*.d.ts', default: './studies/*.js' },
      './package.json': './package.json',
    },
    imports: { '#*.ts': { types: './src/*.d.ts', default: './src/*.js' } },
  };
}
