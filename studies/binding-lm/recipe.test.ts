import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import type { JsonObject } from 'assay';
import { type DenseMatrix, rngOf } from 'assay/learn';
import { mapReads } from 'assay/studies/binding-task/dictionaries.ts';
import { type Prompt, tokensOf } from 'assay/studies/binding-task/prompts.ts';

import { settingsOf, withSettings } from '../../src/study/settings.ts';

import { orthogonalMap, rowRidge } from './maps.ts';
import { askedOrder, byAsked, turnAndLean } from './moved.ts';
import { partShares, partsOf } from './parts.ts';
import { randomDifferences } from './random-differences.ts';
import { bindingLmRecipe } from './recipe.ts';
import { drawPrompt, isHeldOut, promptLength, sentenceOf } from './sentences.ts';
import study from './study.ts';
import { depthsOf, personaLanguage } from './subjects.ts';

const LLAMA = fileURLToPath(new URL('../../test/fixtures/models/llama', import.meta.url));
const SHAPE = { objects: 2, slots: 4 };
/** Letters and digits are single tokens of the test model's small tokenizer. */
const LETTERS = {
  model: LLAMA,
  'prompt.sentence': '{key}={value};',
  'prompt.query': '{key}=',
  'prompt.fillers': ['!=?;'],
  'prompt.keys': ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H'],
  'prompt.values': ['0', '1', '2', '3', '4', '5', '6', '7'],
  'prompts.fit': 32,
  'prompts.measured': 32,
};
const recipe = bindingLmRecipe();

interface Ran {
  readonly points: readonly {
    readonly depth: number | undefined;
    readonly outcomes: Readonly<Record<string, number>>;
  }[];
  readonly notes: readonly string[];
}

/** A run of `set`; what does not pass the gate records less than the recipe gives, and says so. @param stopAfter Points until it is stopped. */
async function ran(set: JsonObject, block = 1, by = recipe, stopAfter = Number.POSITIVE_INFINITY): Promise<Ran> {
  const config = withSettings(recipe.defaults, settingsOf(set, 'test'));
  recipe.check(config);
  const [points, notes]: [Ran['points'][number][], string[]] = [[], []];
  const stop = new AbortController();
  await by.run({
    config,
    block,
    resumeFrom: undefined,
    record: ({ axes, outcomes = {} }) => {
      points.push({ depth: axes['depth'], outcomes });
      if (points.length >= stopAfter) stop.abort();
    },
    checkpoint: async () => {},
    progress: () => {},
    shared: async (_name, _key, compute) => compute(),
    note: (text) => void notes.push(text),
    signal: stop.signal,
  });
  return { points, notes };
}

test('sentences stand in slots, in the order of their objects, and the query asks for one of them', () => {
  const language = personaLanguage();
  const rng = rngOf(1);
  for (let i = 0; i < 20; i++) {
    const prompt = drawPrompt(language, SHAPE, rng);
    const tokens = tokensOf(prompt);
    assert.equal(tokens.length, promptLength(language, SHAPE));
    const places = prompt.objects.map(({ place }) => place.value);
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    );
    for (const object of prompt.objects) {
      const from = object.place.key;
      assert.deepEqual(tokens.slice(from, from + 3), sentenceOf(language, object));
      assert.equal(tokens[object.place.value], object.answer);
    }
    assert.equal(tokens.at(-2), language.keys[prompt.asked.key]);
  }
});

test('an order is met at several positions, and a position in several orders', () => {
  const rng = rngOf(2);
  const seen = Array.from({ length: 60 }, () =>
    drawPrompt(personaLanguage(), SHAPE, rng).objects.map((o) => o.place.value),
  );
  const [first, second] = [0, 1].map((order) => new Set(seen.map((places) => places[order])));
  assert.ok((first?.size ?? 0) >= 3 && (second?.size ?? 0) >= 3);
  assert.ok([...(first ?? [])].filter((place) => second?.has(place)).length >= 2);
});

test('pairings that are held out are never taught, and alone are asked', () => {
  const rng = rngOf(3);
  const of = (pairings: 'trained' | 'heldOut'): readonly boolean[] =>
    Array.from({ length: 50 }, () => drawPrompt(personaLanguage(), SHAPE, rng, pairings).objects)
      .flat()
      .map(({ key, value }) => isHeldOut(key, value));
  assert.ok(of('trained').every((held) => !held));
  assert.ok(of('heldOut').every(Boolean));
});

test('parts of order, position, key and value are told apart, and noise has no share', () => {
  const [d, sizes] = [6, { order: 2, position: 4, key: 8, value: 8 }];
  const rng = rngOf(4);
  const drawn = (labels: number, size: number): readonly number[][] =>
    Array.from({ length: labels }, () => Array.from({ length: d }, () => size * rng.normal()));
  const [orders, keys] = [drawn(2, 2), drawn(8, 1)];
  const rows = Array.from({ length: 400 }, () => {
    const places = [...rng.permutation(4).subarray(0, 2)].toSorted((a, b) => a - b);
    return places.map((position, order) => {
      const labels = { order, position, key: rng.below(8), value: rng.below(8) };
      const values = Float64Array.from(
        { length: d },
        (_, a) => (orders[order]?.[a] ?? 0) + (keys[labels.key]?.[a] ?? 0) + 0.5 * rng.normal(),
      );
      return { labels, values };
    });
  }).flat();
  const parts = partsOf(rows, sizes, d);
  const between = (own: ArrayLike<number>, one: number, other: number, a: number): number =>
    (own[one * d + a] ?? 0) - (own[other * d + a] ?? 0);
  for (let a = 0; a < d; a++) {
    const [order, key] = [(orders[1]?.[a] ?? 0) - (orders[0]?.[a] ?? 0), (keys[3]?.[a] ?? 0) - (keys[5]?.[a] ?? 0)];
    assert.ok(Math.abs(between(parts.order, 1, 0, a) - order) < 0.3, 'orders differ as they were made');
    assert.ok(Math.abs(between(parts.key, 3, 5, a) - key) < 0.3, 'so do keys');
    assert.ok(Math.abs(between(parts.position, 2, 1, a)) < 0.3, 'and a position adds nothing');
  }
  const bare = rows.slice(0, 80).map(({ labels }) => ({
    labels,
    values: Float64Array.from({ length: 24 }, () => rng.normal()),
  }));
  for (const share of Object.values(partShares(bare, sizes, 24))) assert.ok(Math.abs(share) < 0.05, `${share}`);
  const shares = partShares(rows, sizes, d);
  assert.ok(shares.order > 0.3 && shares.key > 0.1, JSON.stringify(shares));
  assert.ok(Math.abs(shares.position) < 0.02 && Math.abs(shares.value) < 0.02, JSON.stringify(shares));
});

test('a ridge by products of rows is the ridge, and an orthogonal map is found where one writes', () => {
  const rng = rngOf(5);
  const [count, d] = [24, 10];
  const matrix = (rows: number): DenseMatrix & { values: Float64Array } => ({
    rows,
    columns: d,
    values: Float64Array.from({ length: rows * d }, () => rng.normal()),
  });
  const [x, y] = [matrix(count), matrix(count)];
  const reads = (keys: Float64Array, fit?: typeof rowRidge): number => mapReads({ ownKeys: x.values, keys }, d, fit);
  assert.equal(reads(y.values, rowRidge), reads(y.values));
  // Two reflections I - 2 v v' / v'v, one after the other, are no reflection: the map's transpose is another.
  const reflected = (rows: Float64Array): Float64Array => {
    const v = matrix(1).values;
    const length = v.reduce((sum, value) => sum + value * value, 0);
    return rows.map((value, i) => {
      const row = rows.subarray(i - (i % d), i - (i % d) + d);
      return value - (2 * (v[i % d] ?? 0) * row.reduce((sum, own, a) => sum + own * (v[a] ?? 0), 0)) / length;
    });
  };
  const turned = reflected(reflected(x.values));
  assert.equal(reads(turned, orthogonalMap), 1);
  const image = orthogonalMap(x, { ...x, values: turned }, 0)(x.values.slice(0, d));
  image.forEach((value, a) => assert.ok(Math.abs(value - (turned[a] ?? 0)) < 1e-9));
});

test('depths are sixths of the layers, and of few layers those that are whole', () => {
  assert.deepEqual(
    depthsOf([1, 2, 3, 4, 5], 30).map(({ layer }) => layer),
    [5, 10, 15, 20, 25],
  );
  assert.deepEqual(depthsOf([1, 2, 3, 4, 5], 3), [
    { sixth: 2, layer: 1 },
    { sixth: 4, layer: 2 },
  ]);
});

test('a model from files that does not answer is not read, and its block is named', async () => {
  const { points, notes } = await ran(LETTERS);
  assert.match(
    notes.join(),
    /model, block 1: gate not passed, 0\.\d+ of 192 answers are right \(0\.\d+, 0\.\d+ where/u,
  );
  assert.ok(points.length > 0);
  for (const { outcomes } of points) {
    assert.deepEqual(Object.keys(outcomes), ['right', 'answered', 'answeredFirst', 'answeredLast', 'gate']);
    assert.equal(outcomes['gate'], 0);
    assert.ok(Math.abs((outcomes['answered'] ?? 0) - 0.5) < 0.2, `${outcomes['answered']}`);
  }
});

test('drawn weights are read, the same every time, and no exchange of parts moves their answers', async () => {
  const [{ points }, again] = [
    await ran({ ...LETTERS, subject: 'drawn' }),
    await ran({ ...LETTERS, subject: 'drawn' }),
  ];
  assert.deepEqual(points, again.points);
  const { gives } = recipe;
  const names = gives?.(withSettings(recipe.defaults, [])).outcomes ?? [];
  for (const { outcomes } of points) {
    assert.deepEqual(Object.keys(outcomes).toSorted(), names.toSorted());
    for (const name of ['swapContent', 'swapPermuted', 'swapOrder', 'swapPosition', 'swapKeyPlace'])
      assert.ok((outcomes[name] ?? 1) <= 0.5, `${name} ${outcomes[name]}`);
  }
});

test('a run that is stopped between two depths and begun anew has the same bits, whatever ran before it', async () => {
  const set = { ...LETTERS, subject: 'drawn', sixths: [0, 3], 'prompts.measured': 8 };
  const whole = await ran(set, 2, bindingLmRecipe());
  assert.equal(whole.points.length, 2);
  const one = bindingLmRecipe();
  await ran(set, 1, one);
  await assert.rejects(ran(set, 2, one, 1), /abort/iu);
  assert.deepEqual(await ran(set, 2, one), whole);
  assert.notDeepEqual(await ran(set, 1, one), whole);
});

test('every swap of a part is claimed object by object, against the null of the object that is asked for', () => {
  const suffix = (name: string): string => /First$|Last$/u.exec(name)?.[0] ?? '';
  const claims = (study.claims ?? []).filter(({ outcomes = [] }) =>
    outcomes.some((name) => /^(?:swap|exch)/u.test(name)),
  );
  for (const { name, outcomes = [], against } of claims) {
    const [outcome = ''] = outcomes;
    assert.notEqual(suffix(outcome), '', name);
    if (against.kind === 'outcome') assert.equal(suffix(against.outcome), suffix(outcome), name);
  }
  const randoms = claims.flatMap(({ arm, against }) =>
    arm === 'model' && against.kind === 'outcome' ? [against.outcome] : [],
  );
  const expected = ['randomContent', 'randomOrder', 'randomPosition', 'randomKeyPlace', 'swapPermuted'];
  assert.deepEqual(
    randoms,
    expected.flatMap((name) => [`${name}First`, `${name}Last`]),
  );
});

test('a transformer that is asked by order is moved by the order at its embeddings alone', async () => {
  const { points } = await ran({ subject: 'ordinals', 'prompts.fit': 128, 'prompts.measured': 32 });
  const [before, behind] = points.map(({ outcomes }) => outcomes);
  assert.ok((before?.['swapOrder'] ?? 0) > 0.8, JSON.stringify(before));
  assert.ok((before?.['orderTurn'] ?? 0) > 5 * Math.abs(before?.['orderLean'] ?? 0), JSON.stringify(before));
  for (const name of ['swapContentLast', 'swapPermutedLast', 'randomOrderLast'])
    assert.ok((before?.[name] ?? 1) < 0.2, JSON.stringify(before));
  assert.ok((behind?.['swapOrder'] ?? 1) < 0.2, JSON.stringify(behind));
});

/** Prompts of two objects, each asked for both, whose keys and values are their numbers. */
function twoAsked(count: number): readonly Prompt[] {
  const objects = [0, 1].map((i) => ({
    key: i,
    value: i,
    query: [i],
    answer: i,
    place: { key: 3 * i, value: 3 * i + 2 },
  }));
  return Array.from({ length: count }, () => objects.map((asked) => ({ context: [], objects, asked }))).flat();
}

test('an exchange that moves every answer turns, one that makes the first likelier whatever is asked for leans', () => {
  const prompts = twoAsked(4);
  const partners = prompts.map((prompt) => 1 - askedOrder(prompt));
  const gaps = prompts.map(() => 2);
  // After the swap the other's value is likelier by 2 and the answer by no more: every answer moved by 4 logits.
  const turned = turnAndLean(
    prompts,
    partners,
    gaps,
    prompts.map(() => 2),
  );
  assert.deepEqual(turned, { turn: 4, lean: 0 });
  // The first value gained 3: the answer moves where the second is asked for, and is surer where the first is.
  const leaning = prompts.map((prompt) => (askedOrder(prompt) === 1 ? 3 : -3) - 2);
  assert.deepEqual(turnAndLean(prompts, partners, gaps, leaning), { turn: 0, lean: 3 });
  assert.deepEqual(byAsked('swapOrder', prompts, leaning), [
    ['swapOrder', 0],
    ['swapOrderFirst', 0],
    ['swapOrderLast', 1],
  ]);
});

test('a random difference is as long as the part, differs by prompt, and has none of the order in it', () => {
  const [prompt] = twoAsked(1);
  assert.ok(prompt);
  const [own, other] = prompt.objects;
  assert.ok(own && other);
  const rng = rngOf(6);
  // Orders differ along the first of four coordinates alone.
  const rows = Array.from({ length: 20 }, (_, i) => ({
    labels: { order: i % 2, position: 0, key: 0, value: 0 },
    values: [10 * (i % 2), rng.normal(), rng.normal(), rng.normal()],
  }));
  const along = randomDifferences(rows, () => Float64Array.of(3, 0, 4, 0), rngOf(7));
  const drawn = Array.from({ length: 10 }, (_, c) => along(own, other, prompt, c));
  for (const by of drawn) {
    assert.ok(Math.abs(Math.hypot(...by) - 5) < 1e-9);
    assert.equal(by[0], 0);
  }
  assert.deepEqual(along(own, other, prompt, 3), drawn[3]);
  assert.equal(new Set(drawn.map((by) => by.join())).size, drawn.length);
});

test('every object of a prompt is asked for, and where as many answers of each are right nothing more is said', async () => {
  const { points, notes } = await ran({ subject: 'ordinals', 'prompts.fit': 32, 'prompts.measured': 8 });
  assert.deepEqual(notes, []);
  const { answeredFirst = 0, answeredLast = 0, answered = 0 } = points[0]?.outcomes ?? {};
  assert.ok(Math.min(answeredFirst, answeredLast, answered) > 0.9);
});

test('where too few answers are right to measure as many of each, the block is told with how many there were', async () => {
  const few = { ...LETTERS, subject: 'drawn', objects: 3, 'prompts.measured': 8, sixths: [6] };
  const values = Array.from({ length: 24 }, (_, i) => String.fromCharCode(97 + i));
  const { points, notes } = await ran({ ...few, 'prompt.values': values }, 0);
  // Asked are three times as many of each, and the shares are of those.
  const { answeredFirst = 0, answeredLast = 0 } = points[0]?.outcomes ?? {};
  const [first, last] = [answeredFirst, answeredLast].map((share) => Math.min(8, Math.round(24 * share)));
  assert.ok(first !== undefined && first < 8);
  assert.match(
    notes.join(),
    new RegExp(`block 0: ${first}, \\d, ${last} prompts are measured .* and not 8 of each`, 'u'),
  );
});

test('the persona base as it is does not answer from the text', async () => {
  const { notes } = await ran({ 'teaching.steps': 0, 'prompts.fit': 32, 'prompts.measured': 16 });
  assert.match(notes.join(), /gate not passed/u);
});

test('words that are several tokens, and fillers of another length, are refused by name', async () => {
  await assert.rejects(
    ran({ ...LETTERS, 'prompt.keys': ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'Quux'] }),
    /found Quux\. Give others/u,
  );
  // Most words are several tokens, some as many as each other.
  await assert.rejects(
    ran({ ...LETTERS, 'prompt.keys': ['Quuux', 'Quux', 'A', 'ABC', 'ABCD', 'ABCDE', 'B', 'ABCDEFG'] }),
    /found Quuux, Quux, ABC, ABCD, ABCDE, ABCDEFG\. Give/u,
  );
  await assert.rejects(
    ran({ ...LETTERS, 'prompt.values': ['0', '1', '22', '3', '4', '5', '6', '7'] }),
    /"\{key\}=\{value\};", found 22/u,
  );
  await assert.rejects(ran({ ...LETTERS, 'prompt.fillers': ['!;'] }), /4 tokens, as a sentence has, found 2 in "!;"/u);
  await assert.rejects(
    ran({ ...LETTERS, 'prompt.keys': ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'A'] }),
    /words that differ/u,
  );
});

test('prompts that the model cannot take whole are refused before any run, with what to do', async () => {
  const filesOf = async (more: JsonObject) =>
    recipe.files?.(withSettings(recipe.defaults, settingsOf({ ...LETTERS, ...more }, 'test')));
  const [summary] = (await filesOf({ slots: 4 })) ?? [];
  assert.equal(summary?.counts['tokens at most in a text'], 64);
  await assert.rejects(
    filesOf({ slots: 30 }),
    /llama: expected prompts of at most 64 tokens, found 12\d; the model takes no more\. Give fewer slots/u,
  );
});

test('what does not go together is refused', async () => {
  await assert.rejects(ran({ objects: 5 }), /objects.*at most the slots \(4\)/su);
  // Two keys of nine, of which one value in eight is asked, would have the same one of eight values.
  const nine = { ...LETTERS, 'prompt.keys': ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I'] };
  assert.throws(
    () => recipe.check(withSettings(recipe.defaults, settingsOf(nine, 'test'))),
    /prompt\.values.*16 values are, found 8/su,
  );
  await assert.rejects(ran({ sixths: [3, 1] }), /sixths.*ascending/su);
  await assert.rejects(ran({ 'prompt.sentence': 'no key' }), /sentence.*\{key\} and \{value\}/su);
});
