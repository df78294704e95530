/**
 * Damages copies of a small store, one fault each (a flipped bit, overwritten bytes, a cut), in every file of it, and asks
 * each copy for its answer: it is refused by name, or the answer is the same. Anything else is a silent wrong answer.
 * Two stores: one closed, and one as a kill leaves it, its last commits in the write-ahead log alone.
 */
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { AssayError } from '#base/errors.ts';
import { canonicalJson } from '#base/json.ts';
import { type Rng, rngOf } from '#base/rng.ts';
import { analysisOf } from '#desk/answer.ts';
import { chatService } from '#desk/chat-service.ts';
import { keepAnswer, questionId } from '#desk/kept-answers.ts';
import { collected } from '#desk/collected.ts';
import { importStudy } from '#runner/import-study.ts';
import { canonicalExport, looksJsonl } from '#store/export.ts';
import { checkpointArtifacts, sharedArtifacts } from '#store/folder.ts';
import { memberOf, planRecordOf, type Provenance } from '#store/records.ts';
import { openSqliteReader, openSqliteStore } from '#store/sqlite.ts';
import type { Store } from '#store/store.ts';
import { confirmatoryRuns, planStudy, type StudyPlan } from '#study/plan.ts';

const TOY = new URL('toy/study.ts', import.meta.url).href;
const HERE: Provenance = { assay: '1', onnxruntime: '1', node: '24', os: 'linux', arch: 'x64', instructionSets: '' };
const BLOCKS = 6;
const ARMS = { plain: 0.3, 'low-rank': 0.7, again: 0.3 } as const;
const MOST_OVERWRITTEN_BYTES = 64;

/** What judges were asked, at an address where nobody is; each answer is its question's number. */
const JUDGED = Array.from({ length: 8 }, (_, number) => ({
  url: 'http://127.0.0.1:1',
  keyVariable: '',
  body: { model: 'judge', number },
}));
const JUDGE_LINE = '\njudge ';
const ASKED_AGAIN = 'asked again';
const ONCE = { tries: 1, timeoutMs: 1000, firstDelayMs: 0, mostDelayMs: 0 };

/** What the damaged stores answered. */
export interface DamageOutcome {
  readonly refused: number;
  /** The same answer as before the damage. */
  readonly harmless: number;
  /** Another answer, or a crash that names no store: what was done to which file. */
  readonly silent: readonly string[];
}

/** Makes the two stores under `root` and damages copies of them `count` times. */
export async function damageStores(root: string, count: number, seed: number): Promise<DamageOutcome> {
  const rng = rngOf(seed, 'damage');
  const plan = planStudy(await importStudy(TOY), { profile: 'quick', blocks: BLOCKS });
  const stores = await makeStores(root, plan);
  const answers = await Promise.all(stores.map(async (store) => answerOf(store, plan)));
  let [refused, harmless] = [0, 0];
  const silent: string[] = [];
  const copy = join(root, 'damaged');
  for (let index = 0; index < count; index++) {
    const which = index % stores.length;
    rmSync(copy, { recursive: true, force: true });
    cpSync(stores[which] ?? '', copy, { recursive: true });
    const what = damage(copy, rng);
    const answer = await answerOf(copy, plan).catch((error: unknown) => error);
    if (answer === answers[which]) harmless++;
    else if (isRefusal(answer) || isAskedAgain(answer, answers[which] ?? '')) refused++;
    else silent.push(`${what}: ${String(answer).slice(0, 200)}`);
  }
  return { refused, harmless, silent };
}

function isRefusal(answer: unknown): boolean {
  return answer instanceof AssayError && answer.kind === 'store' && /store\.(sqlite|head)/.test(answer.message);
}

/** The same answer, but that one of the judge's is missing: it would be asked for again. */
function isAskedAgain(answer: unknown, whole: string): boolean {
  const [found, before] = [answer, whole].map((text) => (typeof text === 'string' ? text.split(JUDGE_LINE) : []));
  if (found?.length !== 2 || before?.length !== 2 || found[0] !== before[0]) return false;
  const [said, saidBefore] = [found[1], before[1]].map((line) => (line ?? '').split(','));
  const differing = said?.filter((one, index) => one !== saidBefore?.[index]) ?? [];
  return said?.length === saidBefore?.length && differing.length === 1 && differing[0] === ASKED_AGAIN;
}

/** A store that was closed, and a copy of it taken while its writer had just committed. */
async function makeStores(root: string, plan: StudyPlan): Promise<string[]> {
  const [closed, killed] = [join(root, 'closed'), join(root, 'killed')];
  {
    await using store = await openSqliteStore(closed);
    await store.savePlan(planRecordOf(plan));
    const file = sharedArtifacts(closed).put(new Uint8Array(64));
    await store.saveShared('base', 'toy-base', file);
    await storeRuns(store, closed, plan, 0, BLOCKS - 2);
    for (const [number, asked] of JUDGED.entries()) {
      const reply = {
        kind: 'reply',
        text: `${10 * number}`,
        isCached: false,
        promptTokens: 9,
        completionTokens: 1,
      } as const;
      keepAnswer(closed, questionId(asked), reply);
    }
  }
  {
    await using store = await openSqliteStore(closed);
    await storeRuns(store, closed, plan, BLOCKS - 2, BLOCKS - 1);
    await store.addLook('toy', { planId: plan.planId, blocks: [0, 1], summary: { verdicts: ['affects'] } });
    cpSync(closed, killed, { recursive: true });
    rmSync(join(killed, 'store.sqlite-shm'), { force: true });
    await storeRuns(store, closed, plan, BLOCKS - 1, BLOCKS);
  }
  return [closed, killed];
}

async function storeRuns(store: Store, folder: string, plan: StudyPlan, from: number, to: number): Promise<void> {
  for (const [arm, behaviour] of Object.entries(ARMS)) {
    await store.settleArm(plan.planId, { arm, outcome: { kind: 'admissible', rates: [0.1] } });
    for (const spec of confirmatoryRuns(plan, arm, [0.1]).filter(({ block }) => block >= from && block < to)) {
      const { measureId, block } = spec;
      await store.addMembers(plan.planId, [memberOf(spec)]);
      await store.openRun({ ...spec, recipe: 'toy', semanticsVersion: 1 }, HERE);
      const points = [3, 2.5, 2, 1.5, 1, 0.5].map((loss, step) => ({
        step,
        axes: { train: loss, heldOut: loss + 0.001 * (block % 3) },
        outcomes: { behaviour: behaviour + 0.01 * (block % 4) },
      }));
      const state = checkpointArtifacts(folder, measureId).put(Uint8Array.of(block));
      await store.commitCheckpoint(measureId, points.slice(0, 4), state);
      await store.endRun(measureId, points.slice(4), { kind: 'finished' });
    }
  }
}

/** Everything `status`, `report` and `export` say of a store, as text. */
async function answerOf(folder: string, plan: StudyPlan): Promise<string> {
  await using store = await openSqliteReader(folder);
  const record = await store.latestPlan(plan.study.name);
  const planId = record?.planId ?? '';
  const runs = await collected(store, plan, planId);
  const { controls, verdicts } = await analysisOf(store, plan, runs);
  const { sha256 } = await canonicalExport(store, planId);
  const looks = looksJsonl(await store.readLooks(plan.study.name));
  const { troubled, settled, pilotRates, provenance } = runs;
  const said = { record, troubled, settled, pilotRates, provenance, controls, verdicts, sha256, looks };
  return `${canonicalJson(JSON.parse(JSON.stringify(said)))}${JUDGE_LINE}${await judged(folder)}`;
}

/** What runs that go on would take for the judge's answers, without anybody to ask. */
async function judged(folder: string): Promise<string> {
  const chat = chatService(folder, {}, ONCE);
  const replies = await Promise.all(JUDGED.map(chat));
  return replies.map((reply) => (reply.kind === 'reply' ? reply.text : ASKED_AGAIN)).join(',');
}

/** Does one damage to one file, the larger ones more often, and says which. */
function damage(folder: string, rng: Rng): string {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).toSorted();
  const files = names.map((name) => ({ name, bytes: sizeOf(join(folder, name)) })).filter(({ bytes }) => bytes > 0);
  // Half by size, half by file, so that small files have their share.
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  let at = rng.below(total);
  const bySize = files.find(({ bytes }) => (at -= bytes) < 0);
  const chosen = rng.uniform() < 0.5 ? bySize : files[rng.below(files.length)];
  const name = chosen?.name ?? 'store.sqlite';
  const path = join(folder, name);
  const bytes = Uint8Array.from(readFileSync(path));
  const kind = rng.below(4);
  const place = rng.below(bytes.length);
  if (kind === 3) {
    writeFileSync(path, bytes.subarray(0, place));
    return `${name} cut to ${place} bytes`;
  }
  if (kind < 2) {
    bytes[place] = (bytes[place] ?? 0) ^ (1 << rng.below(8));
  } else {
    const last = Math.min(bytes.length, place + 1 + rng.below(MOST_OVERWRITTEN_BYTES));
    const isZeros = rng.below(2) === 0;
    for (let index = place; index < last; index++) bytes[index] = isZeros ? 0 : rng.below(256);
  }
  writeFileSync(path, bytes);
  return `${name} ${kind < 2 ? 'flipped' : 'overwritten'} at ${place}`;
}

function sizeOf(path: string): number {
  const stats = statSync(path);
  return stats.isFile() ? stats.size : 0;
}
