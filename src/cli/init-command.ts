/**
 * `assay init`: a study to begin with, copied from `templates/`, that runs at once.
 * Invariant: nothing that exists is written over.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, isAbsolute, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { AssayError, messageOf } from '#base/errors.ts';
import { makeFolder } from '#base/make-folder.ts';
import { PACKAGE_ROOT } from '#desk/find-study.ts';

import { shellWord } from './command-text.ts';
import type { Given, OptionName } from './options.ts';
import type { Terminal } from './terminal.ts';

export const INIT_OPTIONS: readonly OptionName[] = ['kind', 'model'];

/** What a study can begin as, the usual first: its folder in `templates/`, and the file that is run. */
const KINDS = { world: 'study.ts', finetune: 'study.json' } as const;
type Kind = keyof typeof KINDS;

/** The study's name in the templates. */
const NAME = 'my-study';
/** The model's place in the finetune template. */
const NO_MODEL = '"model": ""';

/** A file to write. */
interface NewFile {
  readonly name: string;
  readonly text: string;
}

/** `assay init`: writes a study into a new folder and says how to run it. */
export async function initCommand(given: Given, terminal: Terminal): Promise<number> {
  const shown = given.positionals[0] ?? '';
  const kind = kindOf(given.text('kind') ?? 'world');
  const model = given.text('model');
  if (model !== undefined && kind !== 'finetune') {
    throw new AssayError('usage', '--model belongs to a study of your own model: add --kind finetune.');
  }
  const folder = resolve(shown);
  refuseFilled(folder);
  const files = filesOf(kind, studyNameOf(folder), model === undefined ? undefined : modelFrom(folder, model));
  write(folder, files);
  terminal.out(`Wrote ${files.map(({ name }) => name).join(', ')} to ${folder}`);
  terminal.out('Next:');
  const study = join(isAbsolute(shown) ? shown : `./${relative('.', folder)}`, KINDS[kind]);
  // `join` drops the leading "./", without which a path in this folder would read as a study's name.
  const path = shellWord(isAbsolute(study) || study.startsWith('..') ? study : `./${study}`);
  const missing = kind === 'finetune' && model === undefined ? ' --set model=PATH' : '';
  for (const command of ['plan', 'run']) terminal.out(`  npx assay ${command} ${path}${missing}`);
  if (missing !== '') terminal.out(`or write the model's path into ${KINDS[kind]}, as set.model.`);
  return 0;
}

function kindOf(text: string): Kind {
  if (text === 'world' || text === 'finetune') return text;
  throw new AssayError('usage', `--kind expects ${Object.keys(KINDS).join(' or ')}; found "${text}".`);
}

function refuseFilled(folder: string): void {
  if (!existsSync(folder)) return;
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    throw new AssayError('usage', `Expected a new or empty folder, found ${folder}: ${messageOf(error)}.`, {
      cause: error,
    });
  }
  if (names.length === 0) return;
  throw new AssayError('usage', `Expected a new or empty folder, found ${names.length} files or folders in ${folder}.`);
}

/** A folder's name as a study's: kebab-case. */
function studyNameOf(folder: string): string {
  const plain = basename(folder).normalize('NFKD').toLowerCase();
  const name = plain.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, '');
  return name === '' ? NAME : name;
}

/** The model as a file in `folder` names it: relative paths were given from the current folder. */
function modelFrom(folder: string, model: string): string {
  const isPlace = isAbsolute(model) || /^(hf:\/\/|study:)/.test(model);
  return isPlace ? model : relative(folder, resolve(model));
}

function filesOf(kind: Kind, name: string, model: string | undefined): NewFile[] {
  const template = fileURLToPath(new URL(`templates/${kind}/`, PACKAGE_ROOT));
  const files = readdirSync(template).map((file) => {
    const text = readFileSync(join(template, file), 'utf8').replaceAll(NAME, name);
    return {
      name: file,
      text: model === undefined ? text : text.replace(NO_MODEL, () => `"model": ${JSON.stringify(model)}`),
    };
  });
  // A module whatever the package around it is; without it Node would go by the nearest package.json.
  const manifest = JSON.stringify({ name, private: true, type: 'module' }, null, 2);
  return kind === 'world' ? [...files, { name: 'package.json', text: `${manifest}\n` }] : files;
}

function write(folder: string, files: readonly NewFile[]): void {
  try {
    makeFolder(folder);
    for (const { name, text } of files) writeFileSync(join(folder, name), text, { flag: 'wx' });
  } catch (error) {
    throw new AssayError('file', `Cannot write to ${folder}: ${messageOf(error)}.`, { cause: error });
  }
}
