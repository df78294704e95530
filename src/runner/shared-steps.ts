/** Who computes a shared step: the first to ask, then whoever waits if that one fails or dies; all others read the file. */
import { AssayError } from '#base/errors.ts';
import type { Store } from '#store/store.ts';

import type { SharedAnswer } from './messages.ts';

/** Someone a step can be answered to; compared by reference. */
export interface Asker {
  answer(sharedId: string, answer: SharedAnswer): void;
}

interface Computing {
  owner: Asker;
  readonly waiting: Asker[];
}

/** The runner's table of steps being computed. */
export interface SharedSteps {
  /** Answers now if the step's file is known, else when it is. `isDamaged`: the known file cannot be used. */
  wanted(asker: Asker, sharedId: string, isDamaged: boolean): Promise<void>;
  /** @throws AssayError if the same step gave other bytes before. */
  computed(sharedId: string, name: string, file: string): Promise<void>;
  failed(asker: Asker, sharedId: string): void;
  /** The asker is gone: what it computed passes on, what it waited for is forgotten. */
  lost(asker: Asker): void;
}

/** The shared steps of a store. */
export function sharedStepsOf(store: Store): SharedSteps {
  const computing = new Map<string, Computing>();

  const passOn = (sharedId: string, step: Computing): void => {
    const next = step.waiting.shift();
    if (next === undefined) {
      computing.delete(sharedId);
      return;
    }
    step.owner = next;
    next.answer(sharedId, { kind: 'compute' });
  };
  const release = (sharedId: string, file: string): void => {
    const waiting = computing.get(sharedId)?.waiting ?? [];
    computing.delete(sharedId);
    for (const asker of waiting) asker.answer(sharedId, { kind: 'file', file });
  };

  return {
    wanted: async (asker, sharedId, isDamaged) => {
      const step = computing.get(sharedId);
      if (step !== undefined) {
        step.waiting.push(asker);
        return;
      }
      // Entered before the read below, so that a second asker waits instead of computing too.
      const entered: Computing = { owner: asker, waiting: [] };
      computing.set(sharedId, entered);
      const file = isDamaged ? undefined : await store.readShared(sharedId);
      if (file === undefined) {
        entered.owner.answer(sharedId, { kind: 'compute' });
        return;
      }
      entered.owner.answer(sharedId, { kind: 'file', file });
      release(sharedId, file);
    },
    computed: async (sharedId, name, file) => {
      const before = await store.readShared(sharedId);
      if (before !== undefined && before !== file) {
        throw new AssayError(
          'store',
          `The shared step "${name}" was damaged, and computing it again gave other bytes (${file}, before ${before}). Runs made with the old bytes cannot be compared with new ones; start a new --store.`,
        );
      }
      await store.saveShared(sharedId, name, file);
      release(sharedId, file);
    },
    failed: (asker, sharedId) => {
      const step = computing.get(sharedId);
      if (step?.owner === asker) passOn(sharedId, step);
    },
    lost: (asker) => {
      for (const [sharedId, step] of computing) {
        const index = step.waiting.indexOf(asker);
        if (index >= 0) step.waiting.splice(index, 1);
        if (step.owner === asker) passOn(sharedId, step);
      }
    },
  };
}
