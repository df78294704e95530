/**
 * What an agent lived through, step by step, for people to look at: a recipe keeps a few episodes as text, the report draws them as
 * strips. They are no part of a store's records, and no verdict reads them.
 */
import { isJsonObject, type Json } from '#base/json.ts';

/** The name under which a run keeps its episodes: `context.keep?.(EPISODES_FILE, episodeLines(episodes))`. */
export const EPISODES_FILE = 'episodes.jsonl';

/** The channels of a step that are words or numbers, in the order in which they are shown. */
export const CHANNELS = ['saw', 'felt', 'thought', 'said', 'did', 'got'] as const;
export type Channel = (typeof CHANNELS)[number];

/** One moment of an episode: where the agent was, and what went through each channel; numbers are drawn as bars. */
export type EpisodeStep = Readonly<Partial<Record<Channel, string | number>>> & {
  /** A place on the episode's map, counted from 0 at its top left. */
  readonly at?: readonly [column: number, row: number];
};

/** One episode. */
export interface Episode {
  /** What was at stake: `pay 1, watched`. */
  readonly title: string;
  /** The place, as rows of one character a cell; `#` is a wall, a blank or `.` is free, others are marked by themselves. */
  readonly map?: readonly string[];
  readonly steps: readonly EpisodeStep[];
  /** How it ended, in words. */
  readonly ending?: string;
}

/** Episodes as a run keeps them: a line of JSON each. */
export function episodeLines(episodes: readonly Episode[]): string {
  return episodes.map((episode) => `${JSON.stringify(episode)}\n`).join('');
}

/** An episode from its line; undefined where it is none. */
export function readEpisode(line: Json): Episode | undefined {
  if (!isJsonObject(line) || typeof line['title'] !== 'string' || !Array.isArray(line['steps'])) return undefined;
  const { title, map, steps, ending } = line;
  return {
    title,
    ...(Array.isArray(map) && { map: map.filter((row) => typeof row === 'string') }),
    steps: steps.map(readStep),
    ...(typeof ending === 'string' && { ending }),
  };
}

function readStep(step: Json): EpisodeStep {
  if (!isJsonObject(step)) return {};
  const [column, row] = Array.isArray(step['at']) ? step['at'] : [];
  const channels = CHANNELS.flatMap((name) => {
    const value = step[name];
    return typeof value === 'string' || typeof value === 'number' ? [[name, value] as const] : [];
  });
  return {
    ...Object.fromEntries(channels),
    ...(typeof column === 'number' && typeof row === 'number' && { at: [column, row] as const }),
  };
}
