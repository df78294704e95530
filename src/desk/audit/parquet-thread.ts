/** Reads one Parquet file in a thread of its own, for `bounded-parquet.ts`. */
import { parentPort, workerData } from 'node:worker_threads';

import { readParquet } from '#analysis/import/parquet.ts';
import { messageOf } from '#base/errors.ts';

const { bytes, file, mostCells }: { bytes: Uint8Array; file: string; mostCells: number } = workerData;

parentPort?.postMessage('begun', []);
try {
  parentPort?.postMessage({ rows: await readParquet(bytes, file, mostCells) }, []);
} catch (error) {
  parentPort?.postMessage({ refusal: messageOf(error) }, []);
}
