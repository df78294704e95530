/** What is asked about binding: something that turns pictures and captions into vectors at every depth, in one space. */
import type { RgbImage } from '#learning/files/images/decode-image.ts';
import type { DenseMatrix } from '#learning/spectra/matrix.ts';
import type { Scene } from '#worlds/scenes/scenes.ts';

import type { Readout } from './lens.ts';

/** A picture to be read; what is known of it is for subjects that are made of the answer. */
export interface Shown {
  readonly picture: RgbImage;
  readonly scene?: Scene;
}

/** Vectors at every depth of a tower, a row a picture or caption. */
export interface Reading {
  /** Blocks of the tower: depths are 0, right after the embeddings, to this. */
  readonly layers: number;
  at(readout: Readout, layer: number): DenseMatrix;
}

export interface Subject extends AsyncDisposable {
  /** Pixels a side of a picture that is read as it is, and of its patches. */
  readonly side: number;
  readonly patch: number;
  images(shown: readonly Shown[], signal: AbortSignal): Promise<Reading>;
  /** Captions as their words. */
  texts(captions: readonly (readonly string[])[], signal: AbortSignal): Promise<Reading>;
}

/** The same vectors at every depth. */
export function constantReading(matrix: DenseMatrix): Reading {
  return { layers: 1, at: () => matrix };
}
