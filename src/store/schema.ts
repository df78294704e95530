/**
 * The versions of what records hold, and the way from each to the next.
 * An upgrade is a pure function of one record's body, so that a reader applies it to what it reads and the writer to all of a
 * store at once, and both see the same. Invariant: an upgrade leaves a record that is of its version or later as it is, since
 * a writer may upgrade a store that a reader has open.
 */
import { isJsonObject, type JsonObject } from '#base/json.ts';

/** What changed from one version to the next, by the kind of record; kinds that are not named stay as they are. */
interface Upgrade {
  /** For those who read this file. */
  readonly what: string;
  readonly records: Readonly<Record<string, (body: JsonObject) => JsonObject>>;
}

/** The upgrade at index i leads from version i + 1 to i + 2. Never changed once released: stores of every version exist. */
const UPGRADES: readonly Upgrade[] = [
  {
    what: 'Plans say their design and settings themselves, not only inside the description; kinds "look" and "looks" came.',
    records: { plan: withDesignAndSettings },
  },
  {
    what: 'A record of kind "root" ties all others together (root.ts), store.head beside the database says how far it is (store-head.ts), and a run\'s provenance says the source of its study.',
    records: {},
  },
];

/** The first version whose records add up to a root. */
export const ROOT_VERSION = 3;

/** The version that is written. */
export const SCHEMA_VERSION = UPGRADES.length + 1;

/** A record's body as today's version holds it. @param version The version of the store it was read from. */
export function upgraded(kind: string, body: JsonObject, version: number): JsonObject {
  return UPGRADES.slice(version - 1).reduce((now, { records }) => records[kind]?.(now) ?? now, body);
}

/** The kinds whose records differ between a version and today's. */
export function changedKinds(version: number): readonly string[] {
  return [...new Set(UPGRADES.slice(version - 1).flatMap(({ records }) => Object.keys(records)))];
}

function withDesignAndSettings(plan: JsonObject): JsonObject {
  const { description } = plan;
  if (plan['design'] !== undefined || !isJsonObject(description)) return plan;
  return { ...plan, design: description['design'] ?? 'fixed', settings: description['settings'] ?? [] };
}
