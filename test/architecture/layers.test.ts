/** The rules of the house that a type checker cannot see: who may import whom, and who may touch the outside. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** layer -> the layers it may import; the order is the way of the data (ARCHITECTURE.md). */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  base: [],
  worlds: ['base'],
  engine: ['base'],
  learning: ['engine', 'base'],
  measures: ['learning', 'engine', 'base'],
  study: ['base'],
  store: ['study', 'base'],
  runner: ['store', 'study', 'base'],
  analysis: ['study', 'base'],
  scoring: ['analysis', 'measures', 'learning', 'engine', 'base'],
  report: ['scoring', 'analysis', 'study', 'base'],
  recipes: ['learning', 'engine', 'measures', 'worlds', 'study', 'base'],
  desk: ['report', 'scoring', 'analysis', 'runner', 'store', 'recipes', 'worlds', 'study', 'base'],
  cli: [
    'desk',
    'report',
    'scoring',
    'analysis',
    'runner',
    'store',
    'recipes',
    'worlds',
    'study',
    'base',
    'engine',
    'learning',
    'measures',
  ],
};

/** The two barrels, which may import from every layer. */
const DOORS: ReadonlySet<string> = new Set(['index.ts', 'learn.ts']);

/** Modules only one place may import. */
const ONLY_IN: readonly (readonly [RegExp, RegExp])[] = [
  [/^onnxruntime-(node|common)$/, /^src\/(engine\/session\.ts|cli\/doctor\.ts)$/],
  [/^(node:sqlite|pg)$/, /^src\/store\//],
  [/^ml-matrix$/, /^src\/learning\/spectra\/matrix\.ts$/],
  [/^sharp$/, /^src\/learning\/files\/images\/decode-image\.ts$/],
];

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const files: readonly SourceFile[] = globSync('src/**/*.ts', { cwd: ROOT })
  .filter((path) => !path.includes('kernels/source/') && !path.endsWith('.d.ts'))
  .map((path) => {
    const text = readFileSync(`${ROOT}${path}`, 'utf8');
    const imports = [
      ...text.matchAll(/^(?:import|export)\b[^'"`;]*?from '([^']+)';|^import '([^']+)';|\bimport\('([^']+)'\)/gm),
    ];
    return { path, text, imports: imports.map((match) => match[1] ?? match[2] ?? match[3] ?? '') };
  });
const product = files.filter(({ path }) => !path.endsWith('.test.ts'));

test('the checks below see the source: there are files, and they import', () => {
  assert.ok(product.length > 50, `${product.length} files`);
  assert.ok(product.some(({ imports }) => imports.includes('#base/errors.ts')));
});

test('layers import only along the allowed edges, by #layer/file.ts', () => {
  const broken = product.flatMap(({ path, imports }) =>
    imports
      .filter((name) => name.startsWith('#'))
      .filter((name) => !mayImport(layerOf(path), name.slice(1).split('/')[0] ?? ''))
      .map((name) => `${path} imports ${name}`),
  );
  assert.deepEqual(broken, []);
});

test('no file climbs with ../, and relative imports stay inside the layer', () => {
  const broken = files.flatMap(({ path, imports }) =>
    imports.filter((name) => name.startsWith('..')).map((name) => `${path} imports ${name}`),
  );
  assert.deepEqual(broken, []);
});

test('there is no cycle of imports, types included', () => {
  const graph = new Map(product.map(({ path, imports }) => [path, imports.flatMap((name) => targetOf(path, name))]));
  assert.equal(findCycle(graph), undefined);
});

test('nothing inside comes in through a door, and the door of engine and learner has every operation', () => {
  const inward = product.flatMap(({ path, imports }) =>
    imports.filter((name) => /^(assay(\/|$)|#(index|learn)\.ts)/.test(name)).map((name) => `${path} imports ${name}`),
  );
  assert.deepEqual(inward, []);
  const door = product.find(({ path }) => path === 'src/learn.ts')?.imports ?? [];
  const operations = product.filter(({ path }) => path.startsWith('src/engine/ops/')).map(({ path }) => path);
  assert.ok(operations.length > 0);
  assert.deepEqual(
    operations.filter((path) => !door.includes(`#${path.slice('src/'.length)}`)),
    [],
  );
});

test('ONNX Runtime, SQLite, PostgreSQL, ml-matrix and sharp are imported in one place each', () => {
  const broken = files.flatMap(({ path, imports }) =>
    ONLY_IN.flatMap(([module, home]) =>
      imports.filter((name) => module.test(name) && !home.test(path)).map((name) => `${path} imports ${name}`),
    ),
  );
  assert.deepEqual(broken, []);
});

test('environment, wall clock and unseeded randomness are touched in cli/ alone', () => {
  const broken = product
    .filter(({ path }) => !path.startsWith('src/cli/') && path !== 'src/engine/no-telemetry.ts')
    .flatMap(({ path, text }) =>
      [...withoutComments(text).matchAll(/\b(process\.env|Date\.now|Math\.random)\b/g)].map(
        ([name]) => `${path} uses ${name}`,
      ),
    );
  assert.deepEqual(broken, []);
});

test("folders are made by makeFolder, as Node's own recursion need not end", () => {
  const broken = product.filter(({ text }) => /\bmkdir(Sync)?\([^;]*recursive/.test(withoutComments(text)));
  assert.deepEqual(
    broken.map(({ path }) => path),
    [],
  );
});

test('the network is reached from the desk alone', () => {
  const broken = product
    .filter(({ path }) => !path.startsWith('src/desk/'))
    .flatMap(({ path, text, imports }) => [
      ...[...withoutComments(text).matchAll(/(?<![\w.])(fetch|WebSocket|EventSource|XMLHttpRequest)\s*\(/g)].map(
        ([, name]) => `${path} calls ${name}`,
      ),
      ...imports
        .filter((name) => /^(node:)?(https?|http2|net|tls|dgram|dns)(\/|$)|^(undici|ws|@huggingface\/hub)$/.test(name))
        .map((name) => `${path} imports ${name}`),
    ]);
  assert.deepEqual(broken, []);
});

test('a study needs nothing but the two doors, its own files, those of built-in studies by the package name, and Node', () => {
  const broken = globSync('{studies,templates}/**/*.ts', { cwd: ROOT })
    .filter((path) => !path.endsWith('.test.ts'))
    .flatMap((path) =>
      [...readFileSync(`${ROOT}${path}`, 'utf8').matchAll(/from '([^']+)'/g)]
        .map((match) => match[1] ?? '')
        .filter((name) => !/^(assay$|assay\/learn$|assay\/studies\/[\w-]+\/[\w-]+\.ts$|node:|\.\/)/.test(name))
        .map((name) => `${path} imports ${name}`),
    );
  assert.deepEqual(broken, []);
});

test('every study says what it is and what was tried: a README that names it and the command, a dated LOG', () => {
  const studies = globSync('studies/*/study.ts', { cwd: ROOT }).map((path) => path.split('/')[1] ?? '');
  assert.ok(studies.length > 2, studies.join());
  const lacking = studies.flatMap((name) => {
    const read = (file: string): string => {
      const path = `${ROOT}studies/${name}/${file}`;
      return existsSync(path) ? readFileSync(path, 'utf8') : '';
    };
    const [readme, log] = [read('README.md'), read('LOG.md')];
    return [
      ...(readme.startsWith(`# ${name}\n`) ? [] : [`studies/${name}/README.md does not begin with its name`]),
      ...(readme.includes(`assay run ${name}`) ? [] : [`studies/${name}/README.md does not say how it is run`]),
      ...(/^## \d{4}-\d\d-\d\d: \S/m.test(log) ? [] : [`studies/${name}/LOG.md has no dated entry`]),
    ];
  });
  assert.deepEqual(lacking, []);
});

test('the paths that ARCHITECTURE.md and README.md name are there', () => {
  const named = ['ARCHITECTURE.md', 'README.md'].flatMap((page) =>
    readFileSync(`${ROOT}${page}`, 'utf8')
      .split('\n')
      .flatMap((line) => {
        // A row of the table of layers names the rooms of its layer.
        const layer = /^\| `(\w+\/)` \|/.exec(line)?.[1] ?? '';
        const paths = [...line.matchAll(/`([\w-][\w.-]*\/[\w./-]*)`/g)].map((match) => match[1] ?? '');
        return paths
          .filter((path) => path !== 'assay/learn')
          .map((path) => ({ page, path, places: ['', 'src/', `src/${layer}`] }));
      }),
  );
  assert.ok(named.length > 50, `${named.length} paths`);
  const broken = named.filter(({ path, places }) => !places.some((place) => existsSync(`${ROOT}${place}${path}`)));
  assert.deepEqual(
    broken.map(({ page, path }) => `${page}: ${path}`),
    [],
  );
});

function layerOf(path: string): string {
  return path.split('/')[1] ?? '';
}

function mayImport(layer: string, other: string): boolean {
  return DOORS.has(layer) || layer === other || (ALLOWED[layer] ?? []).includes(other);
}

function targetOf(path: string, name: string): readonly string[] {
  if (name.startsWith('#')) return [`src/${name.slice(1)}`];
  if (name.startsWith('./')) return [`${path.slice(0, path.lastIndexOf('/'))}/${name.slice(2)}`];
  return [];
}

function findCycle(graph: ReadonlyMap<string, readonly string[]>): string | undefined {
  const state = new Map<string, 'open' | 'done'>();
  const visit = (node: string, trail: readonly string[]): string | undefined => {
    if (state.get(node) === 'open') return [...trail.slice(trail.indexOf(node)), node].join(' -> ');
    if (state.get(node) === 'done') return undefined;
    state.set(node, 'open');
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next, [...trail, node]);
      if (cycle !== undefined) return cycle;
    }
    state.set(node, 'done');
    return undefined;
  };
  for (const node of graph.keys()) {
    const cycle = visit(node, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
}
