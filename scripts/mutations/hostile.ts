/** Faults by which somebody else's study, server, table or folder would get at the user's secrets, memory or code. */
import type { Fault } from './fault.ts';

const CHAT = 'src/desk/chat-service.test.ts';
const HUB = 'src/desk/hub/hostile-hub.test.ts';
const DOWNLOADS = 'test/e2e/shared-download.test.ts';
const CACHE = 'src/cli/compile-cache.test.ts';

export const HOSTILE_FAULTS: readonly Fault[] = [
  {
    name: 'any variable may be sent as a key',
    file: 'src/desk/judge-keys.ts',
    from: '|| OWN_VARIABLE.test(variable)',
    to: '|| variable.length > 0',
    tests: [CHAT],
  },
  {
    name: 'a study chooses who gets a key',
    file: 'src/desk/judge-keys.ts',
    from: 'if (!isTrusted(url, variable, environment)) {',
    to: "if (url === 'nowhere') {",
    tests: [CHAT],
  },
  {
    name: 'an address that begins like a provider’s is taken for it',
    file: 'src/desk/judge-keys.ts',
    from: 'trusted.has(origin)',
    to: '[...trusted].some((own) => origin !== own && url.startsWith(own)) || trusted.has(origin)',
    tests: [CHAT],
  },
  {
    name: 'an answer of a judge that was changed is taken for one',
    file: 'src/desk/kept-answers.ts',
    from: 'seal !== sealOf(question, answer)',
    to: 'seal === undefined',
    tests: [CHAT],
  },
  {
    name: 'two processes download the same blob, one after the other',
    file: 'src/desk/hub/shared-download.ts',
    from: 'if (!(await isThere(blob))) await downloadFile',
    to: 'await downloadFile',
    tests: [DOWNLOADS],
  },
  {
    name: 'an error is cut before the key is taken out of it',
    file: 'src/desk/chat-service.ts',
    from: 'shortened(withoutKeyParts(outcome.reason, key))',
    to: 'withoutKey(shortened(outcome.reason), key)',
    tests: [CHAT],
  },
  {
    name: 'an answer of a judge is read whatever its size',
    file: 'src/desk/bounded-body.ts',
    from: 'if (bytes > mostBytes) return undefined;',
    to: 'if (bytes < 0) return undefined;',
    tests: [CHAT],
  },
  {
    name: 'a list of a hub goes on at another address',
    file: 'src/desk/hub/hub-fetch.ts',
    from: 'if (url.origin !== new URL(hubUrl).origin) {',
    to: "if (url.origin === '') {",
    tests: [HUB],
  },
  {
    name: 'an unknown kind of file system is taken for local',
    file: 'src/store/file-system.ts',
    from: "if (type === '' || LOCAL_TYPES.has(type)) return",
    to: 'if (!NETWORK_TYPES.has(type)) return',
    tests: ['src/store/sqlite.test.ts'],
  },
  {
    name: 'compiled code is run from a folder that others can write',
    file: 'src/cli/compile-cache.ts',
    from: '(info.mode & OTHERS) === 0',
    to: '(info.mode & OTHERS) >= 0',
    tests: [CACHE],
  },
  {
    name: 'a formula in an exported table is a formula',
    file: 'src/base/csv-cell.ts',
    from: 'FORMULA.test(cell) && !NUMBER.test(cell)',
    to: 'FORMULA.test(cell) && cell.length === 0',
    tests: ['src/base/csv-cell.test.ts'],
  },
  {
    name: 'evaluations of reply lines alone are refused',
    file: 'src/recipes/finetune/summary.ts',
    from: 'if (scored.length === 0) return {};',
    to: 'if (scored.length < 0) return {};',
    tests: ['test/e2e/replies-alone.test.ts'],
  },
];
