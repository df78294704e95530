/**
 * How a GGUF file asks for replies: `general.sampling.*`, which llama.cpp takes as defaults. Like a folder's
 * `generation_config.json` it is not followed but told: temperature, top-p and top-k by name, whatever else changes replies
 * as it is written. Source: `common/common.cpp` of llama.cpp.
 */
import type { GenerationConfig } from '#learning/files/model-files.ts';

const GROUP = 'general.sampling.';

/** Keys that change nothing at some value, or beside another key that is told; undefined means any value. */
const IDLE: ReadonlyMap<string, number | undefined> = new Map(
  Object.entries({
    min_p: 0,
    mirostat: 0,
    mirostat_eta: undefined,
    mirostat_tau: undefined,
    penalty_last_n: undefined,
    penalty_repeat: 1,
    xtc_probability: 0,
    xtc_threshold: undefined,
  }),
);

/** What is asked for. @param stopIds The tokens that end a reply. */
export function ggufGeneration(metadata: ReadonlyMap<string, unknown>, stopIds: readonly number[]): GenerationConfig {
  const asked = new Map(
    [...metadata].flatMap(([key, value]) => (key.startsWith(GROUP) ? [[key.slice(GROUP.length), value] as const] : [])),
  );
  if (asked.size === 0) return { stopIds };
  const number = (key: string): number | undefined => {
    const value = asked.get(key);
    if (typeof value !== 'number') return undefined;
    asked.delete(key);
    return Math.max(0, Number(value.toPrecision(7))); // a float32 as it was written; 0 and below are off
  };
  const [temperature, topP, topK] = [number('temp'), number('top_p'), number('top_k')];
  const told = [...asked].filter(([key, value]) => !IDLE.has(key) || (IDLE.get(key) ?? value) !== value);
  return {
    stopIds,
    from: 'file (general.sampling)',
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(topK === undefined ? {} : { topK }),
    ...(told.length === 0 ? {} : { unread: told.map(([key, value]) => `${key} ${String(value)}`) }),
  };
}
