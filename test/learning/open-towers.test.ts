/** Folders opened whole: ids of captions, image files and logits against the processors and models of transformers. */
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import type { JsonObject } from '#base/json.ts';
import { modelFolder } from '#learning/files/hugging-face/model-folder.ts';
import { folderCaptions } from '#learning/files/towers/captions.ts';
import { type OpenTowers, openTowers } from '#learning/files/towers/open-towers.ts';
import type { TowerEmbeddings } from '#learning/files/towers/readings.ts';
import { towersConfig } from '#learning/files/towers/towers-config.ts';

import { REFERENCE, TOWERS } from './towers-reference.ts';

/** Of the largest logit: float32 through processor and towers against float64. */
const TOLERANCE = 5e-6;

const IMAGES = fileURLToPath(new URL('../fixtures/images/', import.meta.url));

for (const name of ['clip', 'siglip', 'siglip2'] as const) {
  const files = REFERENCE[name]?.files ?? assert.fail(`no reference for ${name}`);
  const images = files.images.map((file) => `${IMAGES}${file}`);

  test(`${name}: ids of captions are those of transformers, padding included`, async () => {
    const folder = await modelFolder(join(TOWERS, name), 'towers');
    const captions = await folderCaptions(folder, towersConfig(configOf(name), name));
    for (const [text, ids] of Object.entries(files.tokens)) {
      if (name === 'siglip' && text.includes('<unk>')) {
        assert.throws(() => captions.ids(text), /expected no special token written out, found <unk>/);
      } else assert.deepEqual(captions.ids(text), ids, text);
    }
    assert.deepEqual([...captions.row(files.captions[0] ?? '', 'cut').tokens], files.padded);
    assert.equal(captions.masksPadding, files.inputs.includes('attention_mask'));
    assert.throws(
      () => captions.row('a small red cube and a large blue cube, left of a cone', 'refuse'),
      /at most 26 tokens, found/,
    );
  });

  test(`${name}: logits of image files and captions are those of transformers, whatever the batch`, async () => {
    await using towers = await openTowers(join(TOWERS, name), { batch: 2 });
    const found = logitsOf(
      towers,
      await towers.embedImages(images),
      await towers.embedTexts(files.captions, undefined, 'cut'),
    );
    const largest = Math.max(...files.logits.map(Math.abs));
    files.logits.forEach((value, i) => {
      const off = Math.abs((found[i] ?? Number.NaN) - value);
      assert.ok(off < TOLERANCE * largest, `logit ${i}: ${found[i]}, expected ${value}`);
    });
  });

  test(`${name}: an embedding is the same bits in any company, at every depth`, async () => {
    await using towers = await openTowers(join(TOWERS, name), { batch: 3 });
    const texts = ['blue cube', 'red cube and blue cube', 'cube', 'and'];
    const together = [await towers.embedImages(images), await towers.embedTexts(texts)] as const;
    const reversed = [
      await towers.embedImages(images.toReversed()),
      await towers.embedTexts(texts.toReversed()),
    ] as const;
    for (const [i, { readings, items }] of together.entries()) {
      for (const [j, { values, width, site, of }] of readings.entries()) {
        const others = reversed[i]?.readings[j]?.values ?? new Float32Array();
        for (let item = 0; item < items; item++) {
          const own = values.subarray(item * width, (item + 1) * width);
          assert.ok(own.every(Number.isFinite));
          const at = (items - 1 - item) * width;
          assert.deepEqual(others.subarray(at, at + width), own, `${of} of ${site}, item ${item}`);
        }
      }
    }
  });
}

const OPEN_CLIP = fileURLToPath(new URL('../fixtures/open-clip/', import.meta.url));

test("OpenCLIP's folders of CLIP give the logits of open_clip, with either GELU", async () => {
  const expected = JSON.parse(readFileSync(`${OPEN_CLIP}expected.json`, 'utf8')) as {
    readonly [name in 'images' | 'captions']: readonly string[];
  } & { readonly [name in 'logits' | 'quickGelu']: readonly number[] };
  const files = expected.images.map((file) => `${IMAGES}${file}`);
  const check = async (path: string, logits: readonly number[]): Promise<void> => {
    await using towers = await openTowers(path);
    const found = logitsOf(towers, await towers.embedImages(files), await towers.embedTexts(expected.captions));
    const largest = Math.max(...logits.map(Math.abs));
    logits.forEach((value, i) => {
      const off = Math.abs((found[i] ?? Number.NaN) - value);
      assert.ok(off < TOLERANCE * largest, `logit ${i}: ${found[i]}, expected ${value}`);
    });
  };
  await check(OPEN_CLIP, expected.logits);
  const config = JSON.parse(readFileSync(`${OPEN_CLIP}open_clip_config.json`, 'utf8')) as {
    readonly model_cfg: JsonObject;
  };
  const withModel = (changes: JsonObject) => (folder: string) =>
    edit(folder, 'open_clip_config.json', { model_cfg: { ...config.model_cfg, ...changes } });
  await using quick = changedFolder('../open-clip', withModel({ quick_gelu: true }));
  await check(quick.path, expected.quickGelu);
  await using other = changedFolder('../open-clip', withModel({ vision_cfg: { timm_model_name: 'vit_base' } }));
  await assert.rejects(openTowers(other.path), /vision_cfg: expected timm_model_name to be absent/);
  await using bare = changedFolder('../open-clip', (folder) => rmSync(join(folder, 'open_clip_model.safetensors')));
  await assert.rejects(openTowers(bare.path), /expected open_clip_model.safetensors beside open_clip_config.json/);
});

test('early CLIP folders without tokenizer.json are read from vocab.json and merges.txt', async () => {
  await using changed = changedFolder('clip', (folder) => {
    const { model } = JSON.parse(readFileSync(join(folder, 'tokenizer.json'), 'utf8')) as {
      readonly model: { readonly vocab: JsonObject; readonly merges: readonly (readonly [string, string])[] };
    };
    writeFileSync(join(folder, 'vocab.json'), JSON.stringify(model.vocab));
    writeFileSync(
      join(folder, 'merges.txt'),
      `#version: 0.2\n${model.merges.map((pair) => pair.join(' ')).join('\n')}\n`,
    );
    writeFileSync(
      join(folder, 'tokenizer_config.json'),
      JSON.stringify({ do_lower_case: true, unk_token: '<|endoftext|>', model_max_length: 77 }),
    );
    rmSync(join(folder, 'tokenizer.json'));
  });
  const captions = await folderCaptions(
    await modelFolder(changed.path, 'towers'),
    towersConfig(configOf('clip'), 'clip'),
  );
  for (const [text, ids] of Object.entries(REFERENCE['clip']?.files?.tokens ?? {})) {
    assert.deepEqual(captions.ids(text), ids, text);
  }
});

test('a reading that a tower does not have, and files that are missing or do not fit, are refused by name', async () => {
  await using towers = await openTowers(join(TOWERS, 'clip'));
  const wrong = { site: 'vision_model.poled', of: 'row', width: 8 } as const;
  await assert.rejects(
    towers.embedImages([], [wrong]),
    /"row of vision_model.poled".*did you mean "row of vision_model.pooled"/,
  );
  const refused = async (name: string, change: (folder: string) => void, expected: RegExp): Promise<void> => {
    await using changed = changedFolder(name, change);
    await assert.rejects(openTowers(changed.path), expected);
  };
  await refused(
    'clip',
    (folder) => rmSync(join(folder, 'tokenizer.json')),
    /expected a tokenizer \(tokenizer.json, or vocab/,
  );
  await refused(
    'siglip',
    (folder) => rmSync(join(folder, 'spiece.model')),
    /expected a tokenizer \(tokenizer.json or spiece/,
  );
  await refused(
    'clip',
    (folder) => rmSync(join(folder, 'preprocessor_config.json')),
    /preprocessor_config.json: expected this/,
  );
  await refused(
    'clip',
    (folder) => edit(folder, 'preprocessor_config.json', { crop_size: 9 }),
    /8 x 8 pixels, found 9 x 9/,
  );
  await refused(
    'siglip2',
    (folder) => edit(folder, 'preprocessor_config.json', { patch_size: 3 }),
    /expected patch_size 2/,
  );
  await refused('clip', (folder) => edit(folder, 'config.json', { text_tower: 1 }), /unknown key text_tower/);
  await refused(
    'siglip',
    (folder) => edit(folder, 'config.json', { vision_config: { vision_use_head: false } }),
    /vision_use_head/,
  );
  await refused(
    'siglip2',
    (folder) => {
      edit(folder, 'config.json', configOf('siglip'));
      cpSync(join(TOWERS, 'siglip/preprocessor_config.json'), join(folder, 'preprocessor_config.json'));
      edit(folder, 'tokenizer_config.json', { tokenizer_class: 'GemmaTokenizer', do_lower_case: true });
    },
    /do_lower_case to be off/,
  );
  await refused('siglip', (folder) => truncate(join(folder, 'spiece.model')), /a whole SentencePiece model/);
});

function logitsOf({ scale, bias }: OpenTowers, images: TowerEmbeddings, texts: TowerEmbeddings): readonly number[] {
  const unit = ({ readings, items }: TowerEmbeddings): readonly (readonly number[])[] => {
    const { values, width } = readings.at(-1) ?? assert.fail('no readings');
    return Array.from({ length: items }, (_, item) => {
      const vector = [...values.subarray(item * width, (item + 1) * width)];
      const length = Math.hypot(...vector);
      return vector.map((value) => value / length);
    });
  };
  const captions = unit(texts);
  return unit(images).flatMap((image) =>
    captions.map((text) => image.reduce((sum, value, i) => sum + value * (text[i] ?? 0), 0) * scale + bias),
  );
}

function configOf(name: string): JsonObject {
  return JSON.parse(readFileSync(join(TOWERS, name, 'config.json'), 'utf8')) as JsonObject;
}

/** A copy of a fixture, changed. */
function changedFolder(name: string, change: (folder: string) => void): AsyncDisposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'assay-towers-'));
  cpSync(join(TOWERS, name), path, { recursive: true });
  change(path);
  return { path, [Symbol.asyncDispose]: async () => rmSync(path, { recursive: true }) };
}

function edit(folder: string, file: string, changes: JsonObject): void {
  const path = join(folder, file);
  writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as JsonObject), ...changes }));
}

function truncate(path: string): void {
  writeFileSync(path, readFileSync(path).subarray(0, 300));
}
