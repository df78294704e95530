/** The thread behind `startHeartbeat`; a module of its own since a thread begins with one. */
import { writeSync } from 'node:fs';

import { BEAT_MS, HEARTBEAT_FD } from './heartbeat.ts';

const timer = setInterval(() => {
  try {
    writeSync(HEARTBEAT_FD, '.');
  } catch (error) {
    // A full pipe is a busy runner; anything else means that nobody listens any more.
    if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) clearInterval(timer);
  }
}, BEAT_MS);
