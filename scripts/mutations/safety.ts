/** Faults in what keeps answers whole: damaged stores that answer, and runs trained on other bytes than they name. */
import type { Fault } from './fault.ts';

const SQLITE = 'src/store/sqlite.test.ts';
const DAMAGED = 'test/e2e/damaged-stores.test.ts';
const CHANGED = 'test/e2e/changed-inputs.test.ts';

export const SAFETY_FAULTS: readonly Fault[] = [
  {
    name: 'a record that is missing is not missed',
    file: 'src/store/sqlite-rows.ts',
    from: 'if (lacks !== undefined) throw',
    to: 'if (lacks !== undefined && found.records > root.records) throw',
    tests: [DAMAGED],
  },
  {
    name: 'commits that a write-ahead log lost are not missed',
    file: 'src/store/sqlite-rows.ts',
    from: 'if (root.sequence >= head) return root;',
    to: 'if (root.sequence >= 0) return root;',
    tests: [DAMAGED],
  },
  {
    name: 'readers answer without looking at the whole store',
    file: 'src/store/sqlite-open.ts',
    from: '    verifiedRoot(database, folder);\n    return database;',
    to: '    return database;',
    tests: [SQLITE],
  },
  {
    name: 'an emptied database beside artifacts is a new store',
    file: 'src/store/sqlite-open.ts',
    from: 'if (walBytes === 0 && (readHead(folder) ?? 0) === 0 && !isUsed(folder)) return;',
    to: 'if (walBytes === 0) return;',
    tests: [DAMAGED],
  },
  {
    name: 'a store that was moved away is written to',
    file: 'src/store/sqlite-file.ts',
    from: 'if (now?.dev !== dev || now.ino !== ino) throw vanished(path);',
    to: 'if (now?.dev !== dev && now?.ino === ino) throw vanished(path);',
    tests: [DAMAGED],
  },
  {
    name: 'a run is trained on data that changed since it was planned',
    file: 'src/runner/unchanged.ts',
    from: 'const changed = names.find((name) => spec.inputs[name] !== found[name]);',
    to: 'const changed = names.find((name) => found[name] === undefined);',
    tests: [CHANGED],
  },
  {
    name: 'a worker that replaces another trains by an edited study',
    file: 'src/runner/worker.ts',
    from: '    checkSources(link.sources, sources);\n',
    to: '    checkSources(sources, sources);\n',
    tests: [CHANGED],
  },
  {
    name: 'a run is made by two sources',
    file: 'src/runner/run-study.ts',
    from: "if (stored?.state.kind === 'failed' || isOther) {",
    to: "if (stored?.state.kind === 'failed') {",
    tests: [CHANGED],
  },
];
