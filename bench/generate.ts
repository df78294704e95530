/**
 * Speed of generation against transformers' `generate`, interleaved: npm run bench -- generate [--rounds N] [--seconds S]
 * [--threads N] [--model FOLDER]. Each measurement is a process of its own (bench/generate-run.ts,
 * bench/peers/generate.py); a ratio is ours over the peer's within a round, so that drift of the machine cancels. Without
 * transformers (`python3 -c 'import transformers'`, or PYTHON=...) ours alone.
 */
import { parseArgs } from 'node:util';

import { hasPackages, measure, median, PYTHON, summary, type Summary, text } from './side-by-side.ts';

interface Measured {
  readonly prefillTokensPerSecond: number;
  readonly decodeTokensPerSecond: number;
  readonly peakRssMiB: number;
}

const CASES = [
  { rows: 1, prompt: 256, new: 32 },
  { rows: 8, prompt: 64, new: 32 },
] as const;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '8' },
    threads: { type: 'string', default: '2' },
    model: { type: 'string', default: '' },
  },
});
const hasPeer = hasPackages('transformers, torch');
if (!hasPeer) console.log(`${PYTHON} has no transformers: measuring Assay alone.`);

const rows = CASES.map((one) => {
  const settings = Object.entries({ ...one, seconds: values.seconds, threads: values.threads, model: values.model });
  const args = settings.filter(([, value]) => value !== '').flatMap(([name, value]) => [`--${name}`, String(value)]);
  const rounds = Array.from({ length: Number(values.rounds) }, () => ({
    mine: measure(process.execPath, [`${import.meta.dirname}/generate-run.ts`, ...args]) as Measured,
    peer: hasPeer ? (measure(PYTHON, [`${import.meta.dirname}/peers/generate.py`, ...args]) as Measured) : undefined,
  }));
  const ratio = (of: (measured: Measured) => number): Summary | null =>
    summary(rounds.flatMap(({ mine, peer }) => (peer === undefined ? [] : [of(mine) / of(peer)])));
  const row = {
    ...one,
    threads: Number(values.threads),
    prefillTokensPerSecond: median(rounds.map(({ mine }) => mine.prefillTokensPerSecond)),
    decodeTokensPerSecond: median(rounds.map(({ mine }) => mine.decodeTokensPerSecond)),
    peakRssMiB: median(rounds.map(({ mine }) => mine.peakRssMiB)),
    prefillRatio: ratio((measured) => measured.prefillTokensPerSecond),
    decodeRatio: ratio((measured) => measured.decodeTokensPerSecond),
    memoryRatio: ratio((measured) => measured.peakRssMiB),
    rounds: rounds.length,
  };
  console.log(
    `${one.rows} x ${one.prompt} tokens: prefill ${row.prefillTokensPerSecond} tokens/s, ${text(row.prefillRatio)} times transformers'; ` +
      `decode ${row.decodeTokensPerSecond} tokens/s, ${text(row.decodeRatio)} times; ${row.peakRssMiB} MiB, ${text(row.memoryRatio)} of its memory`,
  );
  return row;
});
console.log(JSON.stringify({ bench: 'generate', peer: hasPeer, model: values.model || 'SmolLM2-135M shapes', rows }));
