/** The embedded store: one folder with an SQLite file, for one machine. The contract is in `store.ts`. */
import { AssayError } from '#base/errors.ts';
import { canonicalJson, sha256 } from '#base/json.ts';
import type { TrajectoryPoint } from '#study/trajectory.ts';

import type { LookRecord, PlanMember, PlanRecord, RunHead, RunState, StoredRun } from './records.ts';
import {
  openRecordFile,
  openWritableFile,
  type RecordFile,
  type RecordShapes,
  type WritableFile,
  type Writes,
} from './sqlite-file.ts';
import { prepareFolder } from './sqlite-open.ts';
import { DAMAGE_ADVICE } from './sqlite-errors.ts';
import type { Store, StoreReader } from './store.ts';
import { lockForWriting } from './writer-lock.ts';

/**
 * Opens a store's folder for reading, after verifying every record; a writer may be at work.
 * @throws AssayError where there is none or it is damaged.
 */
export async function openSqliteReader(folder: string): Promise<StoreReader> {
  const file = openRecordFile(folder);
  return readerOf(file, () => file[Symbol.dispose]());
}

/**
 * Opens a store's folder for writing, made if absent, after verifying all of it.
 * @throws AssayError where another process writes, the folder cannot be written, or the store is damaged.
 */
export async function openSqliteStore(folder: string): Promise<Store> {
  prepareFolder(folder);
  const lock = lockForWriting(folder);
  try {
    const file = openWritableFile(folder);
    const close = (): void => {
      file[Symbol.dispose]();
      lock[Symbol.dispose]();
    };
    return { ...readerOf(file, close), ...writerOf(file) };
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

function readerOf(file: RecordFile, close: () => void): StoreReader {
  const plansOf = (study: string): PlanRecord[] => {
    const plans = file.list('plan', '').filter((plan) => plan.study === study);
    return plans.toSorted((a, b) => b.sequence - a.sequence).map(withoutSequence);
  };
  return {
    latestPlan: async (study) => plansOf(study)[0],
    plans: async (study) => plansOf(study),
    readMembers: async (planId) => file.list('member', `${planId}/`).toSorted(byPlace),
    readSettled: async (planId) => file.list('settled', `${planId}/`),
    readRun: async (measureId) => readRun(file, measureId),
    readPoints: async (measureId) => file.snapshot(() => readPoints(file, measureId)),
    readLooks: async (study) => file.snapshot(() => readLooks(file, study)),
    readShared: async (sharedId) => file.read('shared', sharedId)?.file,
    checkpoints: async () => {
      const runs = file.list('run', '');
      return new Map(
        runs.flatMap((run) => (run.checkpoint === undefined ? [] : [[run.measureId, run.checkpoint] as const])),
      );
    },
    sharedFiles: async () => new Set(file.list('shared', '').map((step) => step.file)),
    verify: async () => file.verify(),
    [Symbol.asyncDispose]: async () => close(),
  };
}

function withoutSequence(stored: PlanRecord & { readonly sequence: number }): PlanRecord {
  const { sequence: _, ...plan } = stored;
  return plan;
}

type StoreWriter = Omit<Store, keyof StoreReader>;

function writerOf(file: WritableFile): StoreWriter {
  return { ...planWriter(file), ...runWriter(file), addLook: lookWriter(file) };
}

function planWriter(file: WritableFile): Pick<StoreWriter, 'savePlan' | 'addMembers' | 'settleArm' | 'saveShared'> {
  return {
    savePlan: async (plan) =>
      file.transaction((writes) => {
        const sequences = file.list('plan', '').map((plan) => plan.sequence);
        const sequence = Math.max(0, ...sequences) + 1;
        writes.write('plan', plan.planId, { ...plan, sequence });
      }),
    addMembers: async (planId, members) =>
      file.transaction((writes) => {
        for (const member of members) {
          const place = `${member.phase}/${member.arm}/${member.learningRate ?? 'own'}/${member.block}`;
          writes.write('member', `${planId}/${place}`, member);
        }
      }),
    settleArm: async (planId, settled) =>
      file.transaction((writes) => writes.write('settled', `${planId}/${settled.arm}`, settled)),
    saveShared: async (sharedId, name, bytesFile) =>
      file.transaction((writes) => writes.write('shared', sharedId, { name, file: bytesFile })),
  };
}

function runWriter(file: WritableFile): Pick<StoreWriter, 'openRun' | 'commitCheckpoint' | 'endRun' | 'restartRun'> {
  return {
    openRun: async (head, provenance) =>
      file.transaction((writes) => {
        const run = readRun(file, head.measureId) ?? freshRun(head);
        const isKnown = run.provenance.some((known) => canonicalJson(known) === canonicalJson(provenance));
        if (run.state.kind !== 'open' || isKnown) return;
        writeRun(writes, { ...run, provenance: [...run.provenance, provenance] });
      }),
    commitCheckpoint: async (measureId, points, checkpoint) =>
      file.transaction((writes) =>
        writeRun(writes, { ...withPoints(writes, openRunOf(file, measureId), points), checkpoint }),
      ),
    endRun: async (measureId, points, end) =>
      file.transaction((writes) => {
        const { checkpoint: _, ...run } = withPoints(writes, openRunOf(file, measureId), points);
        writeRun(writes, { ...run, state: end });
      }),
    restartRun: async (measureId) =>
      file.transaction((writes) => {
        const run = readRun(file, measureId);
        if (run === undefined) return;
        if (run.state.kind === 'finished' || run.state.kind === 'diverged') {
          throw new AssayError('store', `Run ${measureId} has ended (${run.state.kind}) and cannot be restarted.`);
        }
        writes.remove('points', `${measureId}/`);
        writeRun(writes, freshRun(run));
      }),
  };
}

function freshRun({ measureId, trainId, recipe, semanticsVersion, seed, config, inputs }: RunHead): StoredRun {
  const head = { measureId, trainId, recipe, semanticsVersion, seed, config, inputs };
  return { ...head, state: { kind: 'open' } satisfies RunState, provenance: [], segments: 0, pointsHash: sha256('') };
}

function openRunOf(file: RecordFile, measureId: string): StoredRun {
  const run = readRun(file, measureId);
  if (run?.state.kind === 'open') return run;
  throw new AssayError('store', `Expected run ${measureId} to be open, found ${run?.state.kind ?? 'no such run'}.`);
}

function readRun(file: RecordFile, measureId: string): StoredRun | undefined {
  return file.read('run', measureId);
}

function writeRun(writes: Writes, run: StoredRun): void {
  writes.write('run', run.measureId, run);
}

/** Writes points as the run's next segment and returns the run that includes it. */
function withPoints(writes: Writes, run: StoredRun, points: readonly TrajectoryPoint[]): StoredRun {
  if (points.length === 0) return run;
  const segment = { points };
  writes.write('points', segmentKey(run.measureId, run.segments), segment);
  return { ...run, segments: run.segments + 1, pointsHash: chained(run.pointsHash, segment) };
}

function readPoints(file: RecordFile, measureId: string): TrajectoryPoint[] {
  const run = readRun(file, measureId);
  if (run === undefined) return [];
  const segments = file.list('points', `${measureId}/`);
  const hash = segments.reduce(chained, sha256(''));
  if (segments.length !== run.segments || hash !== run.pointsHash) {
    throw new AssayError(
      'store',
      `The store is damaged: run ${measureId} should have ${run.segments} segments of points, found ${segments.length} that ${hash === run.pointsHash ? '' : 'do not '}match. ${DAMAGE_ADVICE}`,
    );
  }
  return segments.flatMap((segment) => segment.points);
}

function segmentKey(measureId: string, ordinal: number): string {
  return `${measureId}/${String(ordinal).padStart(8, '0')}`;
}

function chained(hash: string, record: RecordShapes['points'] | LookRecord): string {
  return sha256(hash + canonicalJson(record));
}

function lookWriter(file: WritableFile): StoreWriter['addLook'] {
  return async (study, look) => {
    const looks = readLooks(file, study);
    const last = looks.at(-1);
    const { planId, blocks, summary } = look;
    const added: LookRecord = { study, planId, blocks, summary, ordinal: looks.length + 1 };
    if (last !== undefined && canonicalJson({ ...added, ordinal: last.ordinal }) === canonicalJson(last)) return last;
    file.transaction((writes) => {
      writes.write('look', lookKey(study, added.ordinal), added);
      writes.write('looks', study, { count: added.ordinal, hash: [...looks, added].reduce(chained, sha256('')) });
    });
    return added;
  };
}

function readLooks(file: RecordFile, study: string): LookRecord[] {
  const { count = 0, hash = sha256('') } = file.read('looks', study) ?? {};
  const looks = file.list('look', `${study}/`);
  if (looks.length === count && looks.reduce(chained, sha256('')) === hash) return looks;
  throw new AssayError(
    'store',
    `The store is damaged: study "${study}" was looked at ${count} times, found ${looks.length} looks or others. ${DAMAGE_ADVICE}`,
  );
}

function lookKey(study: string, ordinal: number): string {
  return `${study}/${String(ordinal).padStart(8, '0')}`;
}

/** Pilots first ("pilot" sorts after "confirmatory"), then arm, learning rate, block. */
function byPlace(a: PlanMember, b: PlanMember): number {
  if (a.phase !== b.phase) return a.phase === 'pilot' ? -1 : 1;
  if (a.arm !== b.arm) return a.arm < b.arm ? -1 : 1;
  return (a.learningRate ?? 0) - (b.learningRate ?? 0) || a.block - b.block;
}
