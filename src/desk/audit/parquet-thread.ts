/** Reads one Parquet file in a thread of its own, for `bounded-parquet.ts`. */
import { parentPort, workerData } from 'node:worker_threads';

import { readParquet } from '#analysis/import/parquet.ts';
import { messageOf } from '#base/errors.ts';

const { bytes, file }: { bytes: Uint8Array; file: string } = workerData;

try {
  parentPort?.postMessage({ rows: await readParquet(bytes, file) }, []);
} catch (error) {
  parentPort?.postMessage({ refusal: messageOf(error) }, []);
}
