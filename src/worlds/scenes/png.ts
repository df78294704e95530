/** Writes PNG files: 8 bits a channel, no alpha, not interlaced. @see W3C Recommendation "Portable Network Graphics (PNG)", 2003 */
import { crc32, deflateSync } from 'node:zlib';

const SIGNATURE = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);
/** Of IHDR: 8 bits a sample, colour type 2 (RGB), deflate, the one filter method, no interlace. */
const KIND = Uint8Array.of(8, 2, 0, 0, 0);

/**
 * An image as the bytes of a PNG file. The same pixels give the same bytes wherever zlib is the same.
 * @param pixels Shape [height, width, 3].
 */
export function encodePng(pixels: Uint8Array, width: number, height: number): Uint8Array {
  if (pixels.length !== width * height * 3) {
    throw new Error(`encodePng: expected ${width} x ${height} x 3 bytes, found ${pixels.length}.`);
  }
  const lines = new Uint8Array(height * (1 + width * 3));
  for (let y = 0; y < height; y++) {
    // Each line begins with its filter: 0, none.
    lines.set(pixels.subarray(y * width * 3, (y + 1) * width * 3), y * (1 + width * 3) + 1);
  }
  const header = Buffer.concat([word(width), word(height), KIND]);
  const chunks = [
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(lines, { level: 9 })),
    chunk('IEND', new Uint8Array()),
  ];
  return Uint8Array.from(Buffer.concat([SIGNATURE, ...chunks]));
}

function chunk(name: string, data: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  return Buffer.concat([word(data.length), named, word(crc32(named))]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
