/**
 * A decode program's memory of what its rows have said: keys and values by layer, and the mask that says which count.
 * Invariant: a row's mask is 0 exactly at the positions written since the row was begun that the next token sees, all or
 * those within a window of it.
 */
import type { Program } from '#engine/session.ts';
import { cachedInput, maskInput, windowsOf } from '#learning/models/cached.ts';
import type { TransformerConfig } from '#learning/models/config.ts';
import { MASKED } from '#learning/models/attention.ts';

import { keptOutput } from './programs.ts';

/** A prompt that a program has just read. */
export interface ReadPrompt {
  readonly program: Program;
  /** The program's row. */
  readonly place: number;
  /** Tokens of that row, the padding included. */
  readonly padded: number;
  /** Tokens of the prompt. */
  readonly length: number;
}

/** The rows' memory. */
export interface Cache {
  /** Forgets everything. */
  clear(): void;
  /** Begins a row with a prompt. */
  begin(row: number, prompt: ReadPrompt): void;
  /** Keeps what the program has just computed for a row's token at `position`. */
  append(row: number, position: number): void;
  /** Ends a row; its memory counts no more. */
  end(row: number): void;
}

/** The cache of a decode program of `capacity` positions a row. */
export function cacheOf(program: Program, config: TransformerConfig, capacity: number): Cache {
  const { nLayers, nKvHeads, headDim } = config;
  const masks = windowsOf(config).map((window) => ({
    window: window ?? Infinity,
    mask: program.float32(maskInput(window)),
  }));
  const layers = Array.from({ length: nLayers }, (_, layer) => layer);
  const stored = layers.flatMap((layer) =>
    (['keys', 'values'] as const).map((of) => ({
      name: keptOutput(of, layer),
      cached: program.float32(cachedInput(of, layer)),
      fresh: program.float32(keptOutput(of, layer)),
    })),
  );
  const clear = (): void => {
    for (const { cached } of stored) cached.fill(0); // Numbers that are none would count even where masked.
    for (const { mask } of masks) mask.fill(MASKED);
  };
  clear();
  return {
    clear,
    begin(row, { program: prefill, place, padded, length }) {
      for (const { name, cached } of stored) {
        const read = prefill.float32(name);
        for (let head = 0; head < nKvHeads; head++) {
          const from = (place * nKvHeads + head) * padded * headDim;
          const to = (row * nKvHeads + head) * capacity * headDim;
          cached.set(read.subarray(from, from + length * headDim), to);
        }
      }
      for (const { window, mask } of masks) {
        mask.fill(MASKED, row * capacity, (row + 1) * capacity);
        mask.fill(0, row * capacity + Math.max(0, length + 1 - window), row * capacity + length);
      }
    },
    append(row, position) {
      for (const { cached, fresh } of stored) {
        for (let head = 0; head < nKvHeads; head++) {
          const from = (row * nKvHeads + head) * headDim;
          cached.set(fresh.subarray(from, from + headDim), ((row * nKvHeads + head) * capacity + position) * headDim);
        }
      }
      for (const { window, mask } of masks) {
        mask[row * capacity + position] = 0;
        // The next token stands one further.
        if (position + 1 >= window) mask[row * capacity + position + 1 - window] = MASKED;
      }
    },
    end(row) {
      for (const { mask } of masks) mask.fill(MASKED, row * capacity, (row + 1) * capacity);
    },
  };
}
