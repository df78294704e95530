/** Reads a trained autoencoder: codes and reconstructions of rows. */
import { compile } from '#engine/session.ts';
import { input } from '#engine/ops/sources.ts';
import { readerOf } from '#learning/feeds.ts';

import { saeTensors } from './sae-graph.ts';
import { parameterInputs, type Sae } from './sae-trainer.ts';

/** What an autoencoder makes of rows. */
export interface SaeReading {
  /** Codes, shape [B, F]. */
  readonly featureActs: Float32Array;
  /** Shape [B, D]. */
  readonly reconstruction: Float32Array;
}

/** A compiled autoencoder. */
export interface SaeReader extends AsyncDisposable {
  /** @param rows shape [B, D]. The memory of what it returns is reused by the next call. */
  read(rows: Float32Array): Promise<SaeReading>;
}

/** Compiles an autoencoder as it is read, over `batchRows` rows a call. */
export async function saeReader(
  { config, weights }: Sae,
  batchRows: number,
  { threads = 1 }: { readonly threads?: number } = {},
): Promise<SaeReader> {
  const parts = saeTensors(config, parameterInputs(config), input('x', [batchRows, config.dIn]), 'reading');
  const { featureActs, reconstruction } = parts;
  const program = await compile({ featureActs, reconstruction }, { threads });
  for (const [name, values] of weights) program.bindIfKnown(name, values);
  const reader = readerOf(program, weights);
  return {
    async read(rows) {
      const { featureActs: acts = new Float32Array(), reconstruction: back = new Float32Array() } = await reader.read({
        x: rows,
      });
      return { featureActs: acts, reconstruction: back };
    },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}
