/** A plan's runs as a table: one line for each phase, arm and learning rate. */
import type { PlanMember, RunState } from '#store/records.ts';
import type { StoreReader } from '#store/store.ts';

import { tableOf } from './terminal.ts';

/** How the runs of a plan stand, as lines of text. */
export async function runTable(store: StoreReader, planId: string): Promise<string[]> {
  const groups = new Map<string, { member: PlanMember; counts: Record<RunState['kind'], number> }>();
  for (const member of await store.readMembers(planId)) {
    const key = `${member.phase}/${member.arm}/${member.learningRate}`;
    const group = groups.get(key) ?? { member, counts: { finished: 0, diverged: 0, failed: 0, open: 0 } };
    group.counts[(await store.readRun(member.measureId))?.state.kind ?? 'open']++;
    groups.set(key, group);
  }
  const rows = [...groups.values()].map(({ member, counts }) => {
    const { finished, diverged, failed, open } = counts;
    return [member.phase, member.arm, member.learningRate ?? '', finished, diverged, failed, open].map(String);
  });
  return tableOf([['phase', 'arm', 'rate', 'finished', 'diverged', 'failed', 'open'], ...rows]);
}
