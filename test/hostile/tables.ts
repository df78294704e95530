/** The readers of tables: what other trainers logged, as an audit reads it. */
import { analyse } from '#analysis/analyse.ts';
import { readCsv } from '#analysis/import/csv.ts';
import { readParquet } from '#analysis/import/parquet.ts';
import { rowsFromWandb } from '#analysis/import/run-logs.ts';
import { decodedTable } from '#analysis/import/table-text.ts';
import { frameFromTable } from '#analysis/import/table.ts';
import { EMPTY_MAP } from '#desk/audit/audit-map.ts';
import { auditOf } from '#desk/audit/audit-study.ts';
import { boundedParquet } from '#desk/audit/bounded-parquet.ts';
import { mostCells } from '#desk/audit/table-limits.ts';

import { readFileSync } from 'node:fs';

import type { Base } from './mutations.ts';
import type { Reader } from './reader.ts';

const ARMS = ['full', 'lora', 'muon'] as const;
const BLOCKS = 6;
const STEPS = 8;
const CODECS = ['none', 'snappy', 'gzip', 'brotli', 'lz4', 'zstd', 'polars'] as const;
const MAP = {
  ...EMPTY_MAP,
  columns: { arm: 'arm', block: 'seed', step: 'step' },
  matchOn: [{ name: 'train', role: 'train' }],
  outcomes: [{ name: 'harm', delta: 0.1 }],
} as const;
const COLUMNS = { arm: 'arm', block: 'seed', step: 'step', axes: { train: 'train' }, outcomes: { harm: 'harm' } };

/** Readers of tables, by name. */
export const TABLES: Readonly<Record<string, Reader>> = {
  csv: {
    share: 80,
    bases: () => [
      tableBase('comma', ',', '.'),
      tableBase('semicolon', ';', ','),
      tableBase('tab', '\t', '.'),
      {
        ...tableBase('utf16', ',', '.'),
        form: 'bytes',
        bytes: Buffer.from(`\u{feff}${tableText(',', '.')}`, 'utf16le'),
      },
    ],
    read: (bytes) => void frameFromTable(readCsv(decodedTable(bytes, 'runs.csv'), 'runs.csv'), COLUMNS, 'runs.csv'),
  },
  audit: {
    share: 15,
    bases: () => [tableBase('comma', ',', '.')],
    read: (bytes) => {
      const rows = readCsv(decodedTable(bytes, 'runs.csv'), 'runs.csv');
      const source = { name: 'runs.csv', tables: [{ name: 'runs.csv', rows }], isLabelled: false, hash: '' };
      const { study, frame } = auditOf(source, MAP, []);
      analyse(study, frame, { design: 'fixed' });
    },
  },
  'wandb-chart': {
    share: 35,
    bases: () => [
      {
        name: 'wandb',
        form: 'text',
        bytes: Buffer.from(
          'Step,full-1 - loss,full-1 - loss__MIN,full-1 - loss__MAX,lora-1 - loss\n1,2.5,2.5,2.5,2.4\n2,2.1,2.1,2.1,\n3,,,,1.9\n',
        ),
      },
    ],
    read: (bytes) =>
      void rowsFromWandb(
        readCsv(decodedTable(bytes, 'chart.csv'), 'chart.csv'),
        (name) => ({ arm: name.split('-')[0] ?? '', block: 1 }),
        'chart.csv',
      ),
  },
  /** As its thread reads it; what hangs or fills the memory there is the thread's to end, as `parquet-thread` checks. */
  parquet: {
    share: 60,
    bases: () => parquetFiles(CODECS),
    read: async (bytes) => void (await readParquet(bytes, 'runs.parquet', mostCells())),
    within: 'parquet-thread',
  },
  'parquet-thread': {
    share: 5,
    bases: () => parquetFiles([...CODECS, 'endless']),
    read: async (bytes) => void (await boundedParquet(bytes, 'runs.parquet')),
  },
};

function parquetFiles(names: readonly string[]): Base[] {
  return names.map((name) => ({
    name: `parquet/${name}.parquet`,
    form: 'bytes',
    bytes: readFileSync(new URL(`../fixtures/parquet/${name}.parquet`, import.meta.url)),
  }));
}

function tableBase(name: string, separator: string, point: string): Base {
  return { name, form: 'text', bytes: Buffer.from(tableText(separator, point)) };
}

function tableText(separator: string, point: string): string {
  const lines = [['arm', 'seed', 'step', 'train', 'harm'].join(separator)];
  for (const [index, arm] of ARMS.entries()) {
    for (let block = 1; block <= BLOCKS; block++) {
      for (let step = 0; step < STEPS; step++) {
        const train = (3 - step / 4 + 0.01 * Math.sin(block)).toFixed(3).replace('.', point);
        const harm = (0.1 * index + 0.02 * Math.sin(7 * block + step)).toFixed(3).replace('.', point);
        lines.push([arm, block, step, train, harm].join(separator));
      }
    }
  }
  return `${lines.join('\n')}\n`;
}
