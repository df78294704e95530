/**
 * Image files to RGB bytes: the same bytes as Pillow's `open`, `exif_transpose`, `convert('RGB')` (transformers' `load_image`),
 * for JPEG, PNG, WebP and GIF (its first frame; refused where pixels are transparent). Transparency is dropped, not blended, and colour
 * profiles are not applied, as there.
 * Decoded by sharp, which brings libjpeg-turbo's decoder, libpng and libwebp in its package; loaded when first needed.
 */
import { AssayError, messageOf } from '#base/errors.ts';

/** Rows of pixels, three bytes each: shape [H, W, 3]. */
export interface RgbImage {
  readonly values: Uint8Array;
  readonly height: number;
  readonly width: number;
}

const FORMATS: ReadonlySet<string> = new Set(['jpeg', 'png', 'webp', 'gif']);
/** Colour spaces that become RGB by repeating grey or by nothing at all (of those with 16 bits, the bits are named). */
const SPACES: ReadonlySet<string> = new Set(['srgb', 'b-w', 'rgb', 'grey16', 'rgb16']);

/**
 * Decodes a file.
 * @param source A path, or the file's bytes. @param name Named in errors.
 * @throws AssayError on what is no image of these formats, on CMYK, on more than 8 bits a channel, and on a transparent GIF.
 */
export async function decodeImage(source: string | Uint8Array, name = nameOf(source)): Promise<RgbImage> {
  const { default: sharp } = await import('sharp');
  const image = sharp(source, { ignoreIcc: true, failOn: 'error' });
  const { format, space, depth } = await image.metadata().catch((thrown: unknown) => {
    throw unreadable(name, messageOf(thrown), thrown);
  });
  if (!FORMATS.has(format)) throw unreadable(name, `an image of the format ${format}`);
  if (!SPACES.has(space)) throw unreadable(name, `colours as ${space}`);
  if (depth !== 'uchar') throw unreadable(name, `${depth} channels`);
  // A GIF's decoder forgets the colours of transparent pixels, which Pillow keeps.
  if (format === 'gif' && !(await image.stats()).isOpaque) throw unreadable(name, 'a GIF with transparent pixels');
  const { data, info } = await image
    .autoOrient()
    .removeAlpha()
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true })
    .catch((thrown: unknown) => {
      throw unreadable(name, messageOf(thrown), thrown);
    });
  if (info.channels !== 3) throw unreadable(name, `${info.channels} channels`);
  return { values: data, height: info.height, width: info.width };
}

function nameOf(source: string | Uint8Array): string {
  return typeof source === 'string' ? source : `an image of ${source.length} bytes`;
}

function unreadable(name: string, found: string, cause?: unknown): AssayError {
  const expected = 'a JPEG, PNG, WebP or GIF image with 8 bits a channel in RGB or grey';
  return new AssayError('data', `${name}: expected ${expected}, found ${found}.`, { cause });
}
