/** Faults in what is said of folders that cannot be made or written to, before a run and while one writes, and the tests that must notice. */
import type { Fault } from './fault.ts';

const MADE = 'src/base/make-folder.test.ts';
const SAVED = 'src/recipes/finetune/saved-folders.test.ts';
const STORE = 'src/store/folder.test.ts';
const FILES = 'src/recipes/finetune/files.ts';
const CONFIG = 'src/recipes/finetune/config.ts';

export const FOLDER_FAULTS: readonly Fault[] = [
  {
    name: 'what stands in a folder’s place is not named',
    file: 'src/base/make-folder.ts',
    from: 'throw isTaken(path)\n',
    to: 'throw isTaken(path) && !isTaken(path)\n',
    tests: [MADE],
  },
  {
    name: 'the innermost folder that was made is given for the outermost',
    file: 'src/base/make-folder.ts',
    from: '  return above ?? path;\n}',
    to: '  return path;\n}',
    tests: [MADE],
  },
  {
    name: 'links that lead round stop whoever asks for a folder',
    file: 'src/base/make-folder.ts',
    from: 'isDirectory() === true;\n  } catch {\n    return false;',
    to: 'isDirectory() === true;\n  } catch (error) {\n    throw error;',
    tests: [MADE],
  },
  {
    name: 'a broken link is nothing',
    file: 'src/base/make-folder.ts',
    from: 'return lstatSync(path, { throwIfNoEntry: false }) !== undefined;',
    to: 'return statSync(path, { throwIfNoEntry: false }) !== undefined;',
    tests: [MADE, SAVED],
  },
  {
    name: 'every folder can be written to',
    file: 'src/base/make-folder.ts',
    from: 'accessSync(folder, constants.W_OK);',
    to: 'accessSync(folder, constants.R_OK);',
    tests: [SAVED],
  },
  {
    name: 'folders for trained models are not looked at before the training',
    file: 'src/recipes/finetune/finetune.ts',
    from: '      checkSaved(config.save);\n',
    to: '',
    tests: [SAVED],
  },
  {
    name: 'the folder for trained adapters is not looked at',
    file: FILES,
    from: "{ 'save.adapter': save.adapter, 'save.model': save.model }",
    to: "{ 'save.model': save.model }",
    tests: [SAVED],
  },
  {
    name: 'the folder for trained models is not looked at',
    file: FILES,
    from: "{ 'save.adapter': save.adapter, 'save.model': save.model }",
    to: "{ 'save.adapter': save.adapter }",
    tests: [SAVED],
  },
  {
    name: 'a file where trained models should go is no hindrance',
    file: FILES,
    from: 'if (!isFolder(above)) return',
    to: 'if (!isFolder(above) && above === path) return',
    tests: [SAVED],
  },
  {
    name: 'a folder without rights is no hindrance',
    file: FILES,
    from: 'return isWritable(above) ? undefined :',
    to: 'return isFolder(above) ? undefined :',
    tests: [SAVED],
  },
  {
    name: 'trained models go to a folder named as a place on the hub',
    file: FILES,
    from: 'if (ELSEWHERE.test(path)) return',
    to: 'if (ELSEWHERE.test(path) && isFolder(path)) return',
    tests: [SAVED],
  },
  {
    name: 'an adapter and a model go into one folder that is spelt in two ways',
    file: CONFIG,
    from: 'existingPart(resolve(save.adapter)) === existingPart(resolve(save.model))',
    to: 'save.adapter === save.model',
    tests: [SAVED],
  },
  {
    name: 'an adapter and a model go into one folder, one of them by a link',
    file: CONFIG,
    from: 'existingPart(resolve(save.adapter)) === existingPart(resolve(save.model))',
    to: 'resolve(save.adapter) === resolve(save.model)',
    tests: [SAVED],
  },
  {
    name: 'an adapter on top of a merged one is saved',
    file: CONFIG,
    from: "read.adapter.path !== '' && read.adapter.use === 'merge') {",
    to: "read.adapter.path === '' && read.adapter.use === 'merge') {",
    tests: [SAVED],
  },
  {
    name: 'a store’s folder that cannot be made is no refusal of ours',
    file: 'src/store/sqlite-open.ts',
    from: '`Cannot write to the store folder ${folder}: ${messageOf(error)}.',
    to: '`Cannot write to the store folder.',
    tests: [STORE],
  },
  {
    name: 'a text that cannot be kept is not named',
    file: 'src/store/folder.ts',
    from: '`Cannot write ${path}: ${messageOf(error)}.`',
    to: '`Cannot write: ${messageOf(error)}.`',
    tests: [STORE],
  },
  {
    name: 'clearing up hides why bytes could not be written',
    file: 'src/store/artifacts.ts',
    from: 'if (isFolder(folder)) rmSync(temporary, { force: true });',
    to: 'rmSync(temporary, { force: true });',
    tests: [STORE],
  },
  {
    name: 'clearing up hides why tensors could not be written',
    file: 'src/learning/files/tensors/safetensors-write.ts',
    from: 'if (isFolder(dirname(path))) await',
    to: 'await',
    tests: ['src/learning/files/tensors/safetensors.test.ts'],
  },
  {
    name: 'a folder that files cannot be written to is not named',
    file: 'src/desk/output-folder.ts',
    from: '`Cannot write to ${path}: ${messageOf(error)}.`',
    to: '`Cannot write: ${messageOf(error)}.`',
    tests: ['src/desk/output-folder.test.ts'],
  },
  {
    name: 'a folder that a study cannot be written to is not named',
    file: 'src/cli/init-command.ts',
    from: '`Cannot write to ${folder}: ${messageOf(error)}.`',
    to: '`Cannot write: ${messageOf(error)}.`',
    tests: ['src/cli/commands.test.ts'],
  },
];
