/**
 * Opens a folder of CLIP, SigLIP or SigLIP 2 (of Hugging Face, or CLIP of OpenCLIP) and embeds image files and captions at every depth.
 * Invariant: an embedding is a function of its image or caption alone, to the bit: programs have fixed shapes, so neither
 * the others of a call nor their order show in it.
 */
import { join } from 'node:path';

import { AssayError } from '#base/errors.ts';
import { compile, type Program } from '#engine/session.ts';
import type { Tensor } from '#engine/tensor.ts';
import { type RgbImage, decodeImage } from '#learning/files/images/decode-image.ts';
import {
  checkImageSize,
  imageProcessing,
  type ImageProcessing,
  processedImage,
} from '#learning/files/images/image-processor.ts';
import { modelFolder, type ModelFolder } from '#learning/files/hugging-face/model-folder.ts';
import type { Weights } from '#learning/files/model-files.ts';
import { lacksConfig } from '#learning/files/model-place.ts';
import { openSafetensors } from '#learning/files/tensors/safetensors.ts';
import { openFolderWeights } from '#learning/files/tensors/sharded.ts';
import { type Captions, folderCaptions } from '#learning/files/towers/captions.ts';
import {
  missingWeights,
  OPEN_CLIP_CONFIG,
  OPEN_CLIP_WEIGHTS,
  openClipFolder,
  openClipWeights,
} from '#learning/files/towers/open-clip.ts';
import {
  type DepthReading,
  embedBatch,
  emptyEmbeddings,
  imageBatch,
  lengthOf,
  readingOutputs,
  readingsOf,
  textBatch,
  type TowerEmbeddings,
} from '#learning/files/towers/readings.ts';
import { towersConfig, type TowersDescription } from '#learning/files/towers/towers-config.ts';
import { towersWeights } from '#learning/files/towers/towers-weights.ts';
import type { Pixels } from '#learning/models/towers/inputs.ts';

export interface OpenTowersOptions {
  /** Images or captions a run of the programs; default 8. The embeddings are the same bits for any number. */
  readonly batch?: number;
  /** Threads of the programs; the same bits for any number. Default 1. */
  readonly threads?: number;
}

/** A pair of towers that is ready to embed. */
export interface OpenTowers extends TowersDescription, AsyncDisposable {
  readonly path: string;
  /** What can be read of an image and of a caption, in the order of depth. */
  readonly imageReadings: readonly DepthReading[];
  readonly textReadings: readonly DepthReading[];
  /**
   * Embeds images at the depths asked for, at all where none are.
   * @param images Paths, bytes of files, or decoded pixels. @throws AssayError on an image that cannot be read.
   */
  embedImages(images: readonly ImageSource[], readings?: readonly DepthReading[]): Promise<TowerEmbeddings>;
  /**
   * Embeds captions at the depths asked for, at all where none are.
   * @param tooLong What happens to a caption that is longer than the tower reads; refused where left out.
   * @throws AssayError on such a caption.
   */
  embedTexts(
    texts: readonly string[],
    readings?: readonly DepthReading[],
    tooLong?: 'refuse' | 'cut',
  ): Promise<TowerEmbeddings>;
  /** What cosines are multiplied by, and what is then added, to give the model's logits. */
  readonly scale: number;
  readonly bias: number;
}

export type ImageSource = string | Uint8Array | RgbImage;

/** @throws AssayError naming what is missing, wrong or not supported. */
export async function openTowers(path: string, options: OpenTowersOptions = {}): Promise<OpenTowers> {
  return towersOf({ path, options, ...(await towerParts(path)) });
}

/** What stands in a folder: the towers, and how images and captions become their inputs. */
export interface TowerParts {
  readonly described: TowersDescription;
  readonly processing: ImageProcessing;
  readonly captions: Captions;
  readonly weights: ReadonlyMap<string, Float32Array>;
}

/** Reads a folder, for programs of one's own. @throws AssayError naming what is missing, wrong or not supported. */
export async function towerParts(path: string): Promise<TowerParts> {
  const folder = await modelFolder(path, 'towers');
  const configJson = await folder.json('config.json');
  const openClipJson = configJson === undefined ? await folder.json(OPEN_CLIP_CONFIG) : undefined;
  if (openClipJson !== undefined) {
    const { described, processing } = openClipFolder(openClipJson, join(path, OPEN_CLIP_CONFIG));
    const captions = await folderCaptions(folder, described);
    const file = await folder.find(OPEN_CLIP_WEIGHTS);
    if (file === undefined) throw missingWeights(path);
    await using source = await openSafetensors(file);
    const weights = await loaded(await openClipWeights(source, described));
    return { described, processing, captions, weights };
  }
  if (configJson === undefined) throw lacksConfig(path, 'towers');
  const described = towersConfig(configJson, join(path, 'config.json'));
  const processing = await folderProcessing(folder, described);
  const captions = await folderCaptions(folder, described);
  await using source = await openFolderWeights(folder);
  const weights = await loaded(await towersWeights(source, described));
  return { described, processing, captions, weights };
}

interface Parts extends TowerParts {
  readonly path: string;
  readonly options: OpenTowersOptions;
}

function towersOf({ path, described, processing, captions, weights, options }: Parts): OpenTowers {
  const { batch = 8, threads = 1 } = options;
  if (!Number.isSafeInteger(batch) || batch < 1) {
    throw new AssayError('config', `batch: expected a whole number of at least 1, found ${batch}.`);
  }
  const { image: imageReadings, text: textReadings } = readingsOf(described.config);
  const patches = processing.resize?.kind === 'patches' ? processing.resize.most : undefined;
  const imageShape = imageBatch(described, batch, patches);
  const programs = new Map<string, Promise<Program>>();
  const kept = (key: string, make: () => Promise<Program>): Promise<Program> => {
    const program = programs.get(key) ?? make();
    programs.set(key, program);
    return program;
  };
  const programOf = async (outputs: Readonly<Record<string, Tensor>>): Promise<Program> => {
    const program = await compile(outputs, { threads });
    for (const [name, values] of weights) program.bindIfKnown(name, values);
    return program;
  };
  return {
    ...described,
    path,
    imageReadings,
    textReadings,
    scale: Math.exp(weights.get('logit_scale')?.[0] ?? 0),
    bias: weights.get('logit_bias')?.[0] ?? 0,
    async embedImages(images, readings = imageReadings) {
      const program = await kept(JSON.stringify(['image', readings]), () =>
        programOf(readingOutputs(imageShape, imageReadings, readings)),
      );
      const found = emptyEmbeddings(images.length, readings);
      for (const group of inBatches(
        images.map((source, at) => ({ at, source })),
        batch,
      )) {
        const items = group.map(async ({ at, source }) => ({ at, item: await pixels(processing, source) }));
        await embedBatch(await Promise.all(items), imageShape, program, found);
      }
      return found;
    },
    async embedTexts(texts, readings = textReadings, tooLong = 'refuse') {
      const rows = texts.map((text, at) => ({ at, item: captions.row(text, tooLong) }));
      const found = emptyEmbeddings(texts.length, readings);
      const byLength = Map.groupBy(rows, ({ item }) => lengthOf(described, captions, item));
      for (const [length, group] of byLength) {
        const shape = textBatch(described, captions, batch, length);
        const program = await kept(JSON.stringify(['text', length, readings]), () =>
          programOf(readingOutputs(shape, textReadings, readings)),
        );
        for (const items of inBatches(group, batch)) await embedBatch(items, shape, program, found);
      }
      return found;
    },
    async [Symbol.asyncDispose]() {
      for (const program of programs.values()) await (await program)[Symbol.asyncDispose]();
    },
  };
}

function inBatches<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}

async function pixels(processing: ImageProcessing, source: ImageSource): Promise<Pixels> {
  const isDecoded = typeof source !== 'string' && !(source instanceof Uint8Array);
  return processedImage(processing, isDecoded ? source : await decodeImage(source));
}

/** What the folder says of images; where it says nothing, the defaults of the family's processor. */
async function folderProcessing(folder: ModelFolder, described: TowersDescription): Promise<ImageProcessing> {
  const alone = await folder.json('preprocessor_config.json');
  const inside = alone === undefined ? (await folder.json('processor_config.json'))?.['image_processor'] : undefined;
  const isObject = typeof inside === 'object' && inside !== null && !Array.isArray(inside);
  const where = join(folder.path, isObject ? 'processor_config.json' : 'preprocessor_config.json');
  const json = alone ?? (isObject ? (inside as NonNullable<typeof alone>) : undefined);
  if (json === undefined) throw new AssayError('file', `${where}: expected this file, found none.`);
  const processing = imageProcessing(json, described.family, where);
  if (described.imageSize !== null) checkImageSize(processing, described.imageSize, where);
  const { patches } = described.config.image;
  const { resize } = processing;
  if (described.imageSize === null && (resize?.kind !== 'patches' || resize.patch !== patches.size)) {
    throw new AssayError('file', `${where}: expected patch_size ${patches.size}, as config.json has it.`);
  }
  return processing;
}

async function loaded({ shapes, tensor }: Weights): Promise<ReadonlyMap<string, Float32Array>> {
  const all = new Map<string, Float32Array>();
  for (const name of shapes.keys()) all.set(name, await tensor(name));
  return all;
}
