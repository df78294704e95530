/** Scenes as pixels, and pixels as rows of patches. Deterministic: whole numbers from 0 to 255, no graphics library. */
import { COLOURS, backgroundLevel, type Light, type SceneWorld } from './scene-world.ts';
import type { Scene } from './scenes.ts';
import { type ShapePixels, shapePixels } from './shapes.ts';

/** Draws a scene: shape [height, width, 3], one byte a channel. */
export type SceneRenderer = (scene: Scene) => Uint8Array;

/** A renderer of a world's scenes; it keeps what it has worked out of each shape. */
export function sceneRenderer(world: SceneWorld): SceneRenderer {
  const known = new Map<string, ShapePixels>();
  const pixelsOf = (shape: number, size: number, light: Light): ShapePixels => {
    const key = `${shape} ${size} ${light}`;
    const pixels = known.get(key) ?? shapePixels(world.family, shape, world.cell * size, light);
    known.set(key, pixels);
    return pixels;
  };
  return ({ objects, light, background }) => {
    const image = new Uint8Array(world.width * world.height * 3).fill(backgroundLevel(background));
    for (const { colour, shape, size, x, y } of objects) {
      const { box, at, gains } = pixelsOf(shape, size, light);
      const rgb = COLOURS[colour]?.rgb ?? [];
      for (let i = 0; i < at.length; i++) {
        const [offset, gain] = [at[i] ?? 0, gains[i] ?? 1];
        const pixel = ((y + Math.floor(offset / box)) * world.width + x + (offset % box)) * 3;
        for (let channel = 0; channel < 3; channel++) image[pixel + channel] = Math.round((rgb[channel] ?? 0) * gain);
      }
    }
    return image;
  };
}

/**
 * Images as rows of patches, from the upper left, line by line; inside a patch by (y, x, channel).
 * @param images Each of shape [height, width, 3].
 * @returns Shape [images * patches, patch * patch * 3], from -1 for black to 1.
 */
export function patchRows(world: SceneWorld, images: readonly Uint8Array[]): Float32Array {
  const { width, height, patch } = world;
  const rows = new Float32Array(images.length * width * height * 3);
  let next = 0;
  for (const image of images) {
    for (let top = 0; top < height; top += patch) {
      for (let left = 0; left < width; left += patch) {
        for (let y = top; y < top + patch; y++) {
          const start = (y * width + left) * 3;
          for (let i = start; i < start + patch * 3; i++) rows[next++] = (image[i] ?? 0) / 127.5 - 1;
        }
      }
    }
  }
  return rows;
}

/** An image with every pixel drawn as a square of `times` x `times`. */
export function enlarged(world: SceneWorld, image: Uint8Array, times: number): Uint8Array {
  const [width, height] = [world.width * times, world.height * times];
  return Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [channel, pixel] = [i % 3, Math.floor(i / 3)];
    const [x, y] = [Math.floor((pixel % width) / times), Math.floor(Math.floor(pixel / width) / times)];
    return image[(y * world.width + x) * 3 + channel] ?? 0;
  });
}
