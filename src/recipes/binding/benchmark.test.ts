/** Public test sets on folders of the exact layout, made up and tiny: what is read, what is counted, what is refused. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, extname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import type { Json } from '#base/json.ts';
import { preference } from '#measures/probes/cross-modal.ts';
import { openTowers } from '#learning/files/towers/open-towers.ts';
import { settingsOf, withSettings } from '#study/settings.ts';
import { encodePng } from '#worlds/scenes/png.ts';

import { bindingBenchmark, shareOf } from './benchmark.ts';
import { cut, readPublicSet } from './public-sets.ts';

const CLIP = fileURLToPath(new URL('../../../test/fixtures/towers/clip', import.meta.url));
const ROOT = mkdtempSync(join(tmpdir(), 'assay-sets-'));
after(() => rmSync(ROOT, { recursive: true }));

const SIDE = 12;
/** Noise that differs from picture to picture. */
function pixels(number: number): Uint8Array {
  return Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => (i * (37 + 10 * number) + 91 * number) % 256);
}

function folderOf(name: string, pictures: readonly string[], files: Readonly<Record<string, string>>): string {
  const folder = join(ROOT, name);
  mkdirSync(join(folder, 'images'), { recursive: true });
  for (const [i, picture] of pictures.entries()) {
    writeFileSync(join(folder, 'images', picture), encodePng(pixels(i), SIDE, SIDE));
  }
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text);
  return folder;
}

const COLOURS = ['red', 'blue'];
const captions = (i: number): readonly [string, string] => {
  const [a = '', b = ''] = i % 2 === 0 ? COLOURS : COLOURS.toReversed();
  return [`${a} cube ${'and '.repeat(i % 3)}${b}`.trim(), `${b} cube ${'and '.repeat(i % 3)}${a}`.trim()];
};
const ROWS = [0, 1, 2, 3, 4, 5, 6, 7];

const winoground = folderOf(
  'winoground',
  ROWS.flatMap((i) => [0, 1].map((k) => `ex_${i}_img_${k}.png`)),
  {
    'examples.jsonl': ROWS.map((i) => {
      const [caption_0, caption_1] = captions(i);
      const rest = { tag: 'Adjective-Color', secondary_tag: '', num_main_preds: 1, collapsed_tag: 'Object' };
      return `${JSON.stringify({ id: i, image_0: `ex_${i}_img_0`, image_1: `ex_${i}_img_1`, caption_0, caption_1, ...rest })}\n`;
    }).join(''),
  },
);
const aro = folderOf(
  'aro',
  ROWS.map((i) => `${i}.png`),
  {
    'visual_genome_attribution.json': JSON.stringify(
      ROWS.map((i) => {
        const [true_caption, false_caption] = captions(i);
        const box = { bbox_x: 1, bbox_y: 2, bbox_w: 9, bbox_h: 8 };
        return { image_id: i, image_path: `${i}.png`, true_caption, false_caption, attributes: COLOURS, ...box };
      }),
    ),
  },
);
const sugar = folderOf(
  'sugar',
  ROWS.map((i) => `${i}.png`),
  {
    'swap_att.json': JSON.stringify(
      Object.fromEntries(
        ROWS.map((i) => {
          const [caption, negative_caption] = captions(i);
          return [`${i}`, { filename: `${i}.png`, caption, negative_caption }];
        }),
      ),
    ),
  },
);
const FILES = {
  Winoground: join(winoground, 'examples.jsonl'),
  ARO: join(aro, 'visual_genome_attribution.json'),
  SugarCrepe: join(sugar, 'swap_att.json'),
} as const;

async function run(set: Readonly<Record<string, Json>>, block = 0): Promise<Readonly<Record<string, number>>> {
  const recipe = bindingBenchmark();
  const config = withSettings(recipe.defaults, settingsOf({ model: CLIP, shares: 2, ...set }, 'test'));
  recipe.check(config);
  const seen: Readonly<Record<string, number>>[] = [];
  await recipe.run({
    config,
    block,
    resumeFrom: undefined,
    record: ({ outcomes = {} }) => void seen.push(outcomes),
    checkpoint: async () => {},
    progress: () => {},
    shared: async (_name, _key, compute) => compute(),
    signal: new AbortController().signal,
  });
  return seen.at(-1) ?? {};
}

test('the three layouts are told apart by their rows, and read as their authors say', () => {
  for (const [name, file] of Object.entries(FILES)) assert.equal(readPublicSet(file).name, name);
  assert.deepEqual(readPublicSet(FILES.Winoground).examples[1], {
    pictures: [{ file: 'ex_1_img_0.png' }, { file: 'ex_1_img_1.png' }],
    captions: captions(1),
    where: `${FILES.Winoground}:2`,
  });
  assert.deepEqual(readPublicSet(FILES.ARO).examples[1], {
    pictures: [{ file: '1.png', box: { x: 1, y: 2, width: 9, height: 8 } }],
    captions: captions(1),
    where: `${FILES.ARO}, row 2`,
  });
  assert.deepEqual(readPublicSet(FILES.SugarCrepe).examples[7], {
    pictures: [{ file: '7.png' }],
    captions: captions(7),
    where: `${FILES.SugarCrepe}, row 8`,
  });
});

test('a mark of the encoding at the start of a file is no part of it', () => {
  for (const [i, file] of Object.values(FILES).entries()) {
    const marked = join(dirname(file), `marked-${i}${extname(file)}`);
    writeFileSync(marked, `\uFEFF${readFileSync(file, 'utf8')}`);
    const bare = (path: string) => readPublicSet(path).examples.map((example) => ({ ...example, where: '' }));
    assert.deepEqual(bare(marked), bare(file));
  }
});

test('a checkpoint that cannot be used, or a caption too long for it, is refused before any run', async () => {
  const recipe = bindingBenchmark();
  const filesOf = async (model: string, data: string) =>
    recipe.files?.(withSettings(recipe.defaults, settingsOf({ model, data }, 'test')));
  const [summary] = (await filesOf(CLIP, FILES.ARO)) ?? [];
  assert.equal(summary?.file, CLIP);
  assert.equal(summary.counts['captions'], 2 * ROWS.length);
  await assert.rejects(filesOf(aro, FILES.ARO), /aro.*: expected a folder of CLIP.*without config\.json/);
  const long = { filename: '0.png', caption: 'red '.repeat(40), negative_caption: 'b' };
  const data = join(ROOT, 'long.json');
  writeFileSync(data, JSON.stringify([long]));
  await assert.rejects(filesOf(CLIP, data), /long\.json, row 1: Caption "red red .*expected at most 26 tokens/);
});

test('the accuracy is that of the embeddings counted by hand, boxes cut out', async () => {
  await using towers = await openTowers(CLIP);
  const width = towers.imageReadings.at(-1)?.width ?? 0;
  const embedded = async (image: Uint8Array | { values: Uint8Array; width: number; height: number }) =>
    (await towers.embedImages([image])).readings.at(-1)?.values ?? new Float32Array();
  const whole = (i: number) => ({ values: pixels(i), width: SIDE, height: SIDE });
  const cosine = (a: Float32Array, b: Float32Array): number => {
    const dot = (x: Float32Array, y: Float32Array): number => x.reduce((sum, value, d) => sum + value * (y[d] ?? 0), 0);
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  };
  for (const [name, box] of [
    ['ARO', { x: 1, y: 2, width: 9, height: 8 }],
    ['SugarCrepe', undefined],
  ] as const) {
    let right = 0;
    for (const i of ROWS) {
      const image = await embedded(cut(whole(i), { file: '', ...(box && { box }) }));
      const texts = (await towers.embedTexts(captions(i))).readings.at(-1)?.values ?? new Float32Array();
      right += preference(cosine(image, texts.subarray(0, width)), cosine(image, texts.subarray(width))) / ROWS.length;
    }
    // Two shares of four examples each, which together are all.
    const shares = [await run({ data: FILES[name] }, 0), await run({ data: FILES[name] }, 1)];
    const mean = shares.reduce((sum, share) => sum + (share['caption'] ?? Number.NaN), 0) / 2;
    assert.ok(Math.abs(mean - right) < 1e-9, `${name}: ${mean}, by hand ${right}`);
  }
});

test('where an example has two pictures all four cosines count, as Winoground has it', async () => {
  const seen = await run({ data: FILES.Winoground });
  assert.deepEqual(Object.keys(seen), ['caption', 'textScore', 'imageScore', 'groupScore']);
  assert.ok((seen['groupScore'] ?? 1) <= Math.min(seen['textScore'] ?? 0, seen['imageScore'] ?? 0));
});

test('a picture cut beyond its edges is black there', () => {
  const image = { values: Uint8Array.from({ length: 12 }, (_, i) => i + 1), width: 2, height: 2 };
  const ref = { file: 'a.png', box: { x: 1, y: -1, width: 2, height: 2 } };
  const { values, width, height } = cut(image, ref);
  assert.deepEqual([width, height, ...values], [2, 2, 0, 0, 0, 0, 0, 0, 4, 5, 6, 0, 0, 0]);
  const large = { ...ref, box: { ...ref.box, width: 5 } };
  assert.throws(() => cut(image, large), /a\.png: .*2 times the picture's sides \(2 x 2\), found 5 x 2 at 1, -1/);
});

test('shares of different blocks have no example in common, and together they are all', () => {
  const set = readPublicSet(FILES.SugarCrepe);
  const dealt = (seed: number): readonly (readonly string[])[] =>
    [0, 1, 2, 3].map((block) =>
      shareOf(set, { shares: 4, examples: 100, seed }, block).map(({ pictures: [{ file }] }) => file),
    );
  const shares = dealt(0);
  assert.deepEqual(
    shares.map(({ length }) => length),
    [2, 2, 2, 2],
  );
  assert.equal(new Set(shares.flat()).size, ROWS.length);
  assert.notDeepEqual(dealt(1), shares);
  assert.equal(shareOf(set, { shares: 2, examples: 3, seed: 0 }, 1).length, 3);
});

test('a block without a share of its own is refused: examples that are read twice would pass for new ones', async () => {
  const refused = /"shares": expected a share for every block, found 2 and block 2, .*--seeds 2, or --set shares=N/;
  assert.throws(() => shareOf(readPublicSet(FILES.ARO), { shares: 2, examples: 100, seed: 0 }, 2), refused);
  await assert.rejects(run({ data: FILES.Winoground }, 2), refused);
});

test('more shares than examples allow are refused before any run', () => {
  const recipe = bindingBenchmark();
  const set = { model: CLIP, data: FILES.ARO, shares: 5 };
  const config = withSettings(recipe.defaults, settingsOf(set, 'test'));
  assert.throws(() => recipe.check(config), /two examples in each of 5, found 8 of ARO.*--set shares=N --seeds N/);
});

test('the same run is the same, and its identity holds model, captions and pictures', async () => {
  const set = { data: FILES.Winoground };
  assert.deepEqual(await run(set), await run(set));
  const recipe = bindingBenchmark();
  const inputs = recipe.inputs?.(withSettings(recipe.defaults, settingsOf({ model: CLIP, ...set }, 'test'))) ?? {};
  assert.deepEqual(Object.keys(inputs), ['model', 'data', 'pictures']);
});

test('what is no such set is refused, saying what was expected and where', async () => {
  const file = (name: string, text: string): string => {
    writeFileSync(join(ROOT, name), text);
    return join(ROOT, name);
  };
  const refuses = async (set: Readonly<Record<string, Json>>, message: RegExp): Promise<void> =>
    assert.rejects(run(set), message);
  await refuses({}, /"data": expected the file of captions of Winoground, ARO or SugarCrepe.*found none/);
  await refuses({ model: '', data: FILES.ARO }, /"model": expected a folder of CLIP/);
  await refuses({ data: join(ROOT, 'absent.json') }, /Could not read .*absent\.json/);
  await refuses({ data: file('broken.json', '{') }, /broken\.json: expected JSON/);
  await refuses({ data: file('empty.json', '[]') }, /empty\.json: expected rows that are JSON objects, found no rows/);
  await refuses({ data: file('other.json', '[{"a":1}]') }, /expected rows of Winoground \(image_0.*found rows of a/);
  const twice = '[{"filename":"0.png",\n"caption":"a","caption":"c","negative_caption":"b"}]';
  await refuses(
    { data: file('twice.json', twice) },
    /twice\.json: the key "caption" appears twice in one object, line 2/,
  );
  const rows = '{"1":{"filename":"0.png","caption":"a","negative_caption":"b"},"1":{}}';
  await refuses({ data: file('rows.json', rows) }, /rows\.json: the key "1" appears twice in one object/);
  const line = '{"image_0":"a","image_1":"b","caption_0":"c","caption_1":"d"}\n';
  const again = line.replace('"c"', '"c","caption_0":"e"');
  await refuses(
    { data: file('twice.jsonl', `${line}\n${again}`) },
    /twice\.jsonl:3: the key "caption_0" appears twice/,
  );
  const lacks = line.replace('"c"', 'null');
  await refuses({ data: file('lacks.jsonl', `${line}\n${lacks}`) }, /lacks\.jsonl:3: expected text in "caption_0"/);
  await refuses({ data: file('torn.jsonl', `${line}{`) }, /torn\.jsonl:2: expected JSON/);
  await refuses({ data: file('none.jsonl', '\n') }, /none\.jsonl: expected rows that are JSON objects, found no rows/);
  await refuses({ data: file('list.jsonl', `${line}[]`) }, /list\.jsonl:2: expected one JSON object a line/);
  await refuses(
    { data: file('null.json', '[null]') },
    /null\.json: expected rows that are JSON objects, found null in row 1/,
  );
  const lacking = '[{"filename":"0.png","caption":"a","negative_caption":3}]';
  await refuses({ data: file('row.json', lacking) }, /row\.json, row 1: expected text in "negative_caption", found 3/);
  const blank = lacking.replace('"a"', '" "');
  await refuses({ data: file('blank.json', blank) }, /blank\.json, row 1: expected text in "caption", found " "/);
  const half =
    '[{"image_path":"0.png","true_caption":"a","false_caption":"b","bbox_x":1.5,"bbox_y":0,"bbox_w":2,"bbox_h":2}]';
  await refuses({ data: file('box.json', half) }, /row 1: expected whole pixels in "bbox_x" of ARO, found 1\.5/);
  for (const side of [0, -3, 1e9]) {
    const box = half.replace('1.5', '1').replace('"bbox_w":2', `"bbox_w":${side}`);
    await refuses({ data: file('side.json', box) }, /expected whole pixels, from 1 to 65535, in "bbox_w" of ARO/);
  }
  const huge = half.replace('1.5', '1').replaceAll(/"bbox_([wh])":2/g, '"bbox_$1":65535');
  await refuses(
    { data: file('huge.json', huge) },
    /row 1: .*at most 16777216 pixels, found 65535 x 65535 .* of 0\.png/,
  );
  await refuses(
    { data: FILES.SugarCrepe, images: ROOT },
    /0\.png: expected a picture that the captions name.*--set images=FOLDER/,
  );
  const folder = '[{"filename":".","caption":"a","negative_caption":"b"}]';
  const data = file('folder.json', `[${Array(4).fill(folder.slice(1, -1)).join()}]`);
  const config = withSettings(
    bindingBenchmark().defaults,
    settingsOf({ model: CLIP, data, images: ROOT, shares: 2 }, 'test'),
  );
  assert.throws(() => bindingBenchmark().check(config), /expected a picture that the captions name, found no file/);
  await refuses(
    { data: FILES.ARO, shares: 5 },
    /"shares": expected at least two examples in each of 5, found 8 of ARO/,
  );
});
