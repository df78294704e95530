/**
 * One run on a public test set: a share of its examples, shown to a checkpoint, and how often the right caption is nearer than the wrong one.
 * Shares of different blocks have no example in common, so their scatter is that of drawing examples.
 */
import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { type ConfigReader, configReader } from '#base/config-reader.ts';
import { AssayError } from '#base/errors.ts';
import { contentHash, type JsonObject } from '#base/json.ts';
import { rngOf } from '#base/rng.ts';
import { decodeImage } from '#learning/files/images/decode-image.ts';
import { checkModelPlace } from '#learning/files/model-place.ts';
import { preference, type Quad, winogroundScores } from '#measures/probes/cross-modal.ts';
import { contentHashes } from '#recipes/file-hashes.ts';
import { labShelf, type LabShelf } from '#recipes/lab-shelf.ts';
import type { Recipe, RunContext } from '#study/recipe.ts';
import type { RunEnd } from '#study/trajectory.ts';

import { withShuffledWeights } from './null-towers.ts';
import { rowCosine } from './scene-pairs.ts';
import { cut, picturePath, type PictureRef, type PublicExample, readPublicSet } from './public-sets.ts';
import type { Shown, Subject } from './subject.ts';
import { towerSummaries } from './tower-files.ts';
import { openedTowers, TOWER_FILES, towerSubject } from './tower-subject.ts';

interface BenchmarkConfig {
  /** A folder of CLIP, SigLIP or SigLIP 2. */
  readonly model: string;
  readonly subject: 'model' | 'shuffled';
  /** The file of captions, and the folder of pictures ('' for `images` beside the file). */
  readonly data: string;
  readonly images: string;
  /** `own`: each example's; `other`: another example's, so that nothing but the captions can tell. */
  readonly pictures: 'own' | 'other';
  /** Into so many shares the examples are dealt, and at most so many of a share are read. */
  readonly shares: number;
  readonly examples: number;
  readonly seed: number;
  readonly depths: number;
}

const DEFAULTS = {
  model: '',
  subject: 'model',
  data: '',
  images: '',
  pictures: 'own',
  shares: 12,
  examples: 100,
  seed: 0,
  depths: 1,
} as const satisfies JsonObject;

const WHOLE = 12;

/** The recipe; of sets with two pictures an example it also gives Winoground's scores. */
export function bindingBenchmark(): Recipe {
  const subjects = labShelf<Subject>(2);
  const hashes = contentHashes(TOWER_FILES);
  const summary = towerSummaries();
  return {
    name: 'binding-benchmark',
    // 2: no share is read by two blocks.
    semanticsVersion: 2,
    defaults: DEFAULTS,
    measurePaths: ['depths'],
    gives: () => ({ axes: ['depth'] }),
    check: (config) => {
      const { model, data, images, shares } = readConfig(config);
      checkModelPlace(model, 'towers');
      const set = readPublicSet(data);
      checkShares(set, shares);
      for (const { pictures } of set.examples) for (const one of pictures) sizeOf(picturesIn(data, images), one);
    },
    blocks: (config) => ({
      most: readConfig(config).shares,
      what: 'share of the examples',
      remedy: 'Or deal the examples into more: --set shares=N',
    }),
    inputs: (config) => {
      const { model, data, images } = readConfig(config);
      const names = new Set(readPublicSet(data).examples.flatMap(({ pictures }) => pictures.map(({ file }) => file)));
      const sizes = [...names].map((file) => [file, sizeOf(picturesIn(data, images), { file })]);
      // Thousands of pictures: told apart by name and size.
      return { ...hashes({ model, data }), pictures: contentHash(Object.fromEntries(sizes)) };
    },
    files: async (config) => {
      const { model, data } = readConfig(config);
      const { examples } = readPublicSet(data);
      const captions = examples.flatMap(({ captions: both, where }) => both.map((caption) => ({ caption, where })));
      return [await summary(model, contentHash(hashes({ model })), () => captions)];
    },
    run: (context) => measured(context, readConfig(context.config), subjects),
  };
}

function readConfig(config: JsonObject): BenchmarkConfig {
  const reader = configReader(config);
  const read: BenchmarkConfig = {
    model: pathOf(
      reader,
      'model',
      'a folder of CLIP, SigLIP or SigLIP 2: --set model=FOLDER or --set model=hf://org/name',
    ),
    subject: reader.oneOf('subject', ['model', 'shuffled']),
    data: pathOf(reader, 'data', 'the file of captions of Winoground, ARO or SugarCrepe: --set data=FILE'),
    images: textOf(reader, 'images'),
    pictures: reader.oneOf('pictures', ['own', 'other']),
    shares: reader.number('shares', { min: 1, integer: true }),
    examples: reader.number('examples', { min: 1, integer: true }),
    seed: reader.number('seed', { min: 0, integer: true }),
    depths: reader.number('depths', { min: 1, max: 240, integer: true }),
  };
  reader.done();
  return read;
}

async function measured(context: RunContext, config: BenchmarkConfig, subjects: LabShelf<Subject>): Promise<RunEnd> {
  const { model, subject: kind } = config;
  const isShuffled = kind === 'shuffled';
  const seed = context.block + config.seed;
  const subject = await subjects({ model, kind, seed: isShuffled ? seed : -1 }, async () => {
    const towers = await openedTowers(model);
    return towerSubject(isShuffled ? withShuffledWeights(towers, seed) : towers);
  });
  const examples = shareOf(readPublicSet(config.data), config, context.block);
  const shown = await picturesOf(examples, config);
  context.progress(0.2);
  const images = await subject.images(shown, context.signal);
  const texts = await subject.texts(
    examples.flatMap(({ captions }) => captions.map((caption) => [caption])),
    context.signal,
  );
  for (let step = 0; step <= config.depths; step++) {
    const share = step / config.depths;
    const pictures = images.at('own', Math.round(share * images.layers));
    const captions = texts.at('own', Math.round(share * texts.layers));
    const outcomes = outcomesOf(examples, (picture, caption) => rowCosine(pictures, picture, captions, caption));
    context.record({ step, axes: { depth: WHOLE * share }, outcomes });
  }
  return { kind: 'finished' };
}

interface PublicSet {
  readonly name: string;
  readonly examples: readonly PublicExample[];
}

function checkShares({ name, examples }: PublicSet, shares: number): void {
  if (examples.length >= 2 * shares) return;
  throw new AssayError(
    'config',
    `Config "shares": expected at least two examples in each of ${shares}, found ${examples.length} of ${name}. Give fewer shares, and no more blocks than shares: --set shares=N --seeds N`,
  );
}

/**
 * The block's own examples, in the order of the deal.
 * @throws AssayError where there are fewer than two examples a share, or no share is left for the block: one that is read twice would pass for new examples.
 */
export function shareOf(
  set: PublicSet,
  { shares, examples: most, seed }: Pick<BenchmarkConfig, 'shares' | 'examples' | 'seed'>,
  block: number,
): readonly PublicExample[] {
  const { examples } = set;
  checkShares(set, shares);
  if (block >= shares) {
    throw new AssayError(
      'config',
      `Config "shares": expected a share for every block, found ${shares} and block ${block}, counted from 0. Give no more blocks than shares: --seeds ${shares}, or --set shares=N`,
    );
  }
  const order = rngOf(seed, 'shares of examples').permutation(examples.length);
  const own = [...order].filter((_, rank) => rank % shares === block).slice(0, most);
  return own.flatMap((i) => examples[i] ?? []);
}

/** Pictures example by example; of `other`, those of the next example. */
async function picturesOf(
  examples: readonly PublicExample[],
  { data, images, pictures }: BenchmarkConfig,
): Promise<readonly Shown[]> {
  const folder = picturesIn(data, images);
  const from = examples.map((_, i) => examples[pictures === 'own' ? i : (i + 1) % examples.length]);
  const shown: Shown[] = [];
  for (const one of from.flatMap((example) => [...(example?.pictures ?? [])])) {
    shown.push({ picture: cut(await decodeImage(picturePath(folder, one)), one) });
  }
  return shown;
}

/** Outcomes from cosines of picture row and caption row. */
function outcomesOf(
  examples: readonly PublicExample[],
  cosine: (picture: number, caption: number) => number,
): Readonly<Record<string, number>> {
  const each = examples[0]?.pictures.length ?? 1;
  const quads = examples.map((_, i): Quad => {
    const [a, b] = [i * each, i * each + each - 1];
    return { own: [cosine(a, 2 * i), cosine(b, 2 * i + 1)], crossed: [cosine(a, 2 * i + 1), cosine(b, 2 * i)] };
  });
  const right = quads.map(({ own, crossed }) => {
    const first = preference(own[0], crossed[0]);
    return each === 1 ? first : (first + preference(own[1], crossed[1])) / 2;
  });
  const caption = right.reduce((sum, value) => sum + value, 0) / right.length;
  if (each === 1) return { caption };
  const { text, image, group } = winogroundScores(quads);
  return { caption, textScore: text, imageScore: image, groupScore: group };
}

function picturesIn(data: string, images: string): string {
  return images === '' ? join(dirname(data), 'images') : images;
}

function sizeOf(folder: string, picture: PictureRef): number {
  const path = picturePath(folder, picture);
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFile() === true) return found.size;
  throw new AssayError(
    'file',
    `${path}: expected a picture that the captions name, found ${found === undefined ? 'none' : 'no file'}. Give their folder: --set images=FOLDER`,
  );
}

function textOf(reader: ConfigReader, name: string): string {
  const value = reader.json(name);
  return typeof value === 'string' ? value : reader.refuse(name, 'a path', JSON.stringify(value));
}

function pathOf(reader: ConfigReader, name: string, expected: string): string {
  const value = textOf(reader, name);
  return value === '' ? reader.refuse(name, expected, 'none') : value;
}
