/** The entry of a worker process: connects `serveRuns` to the IPC channel. */
import { chatService } from '#desk/chat-service.ts';
import { startHeartbeat } from '#runner/heartbeat.ts';
import type { ToWorker } from '#runner/messages.ts';
import { serveRuns } from '#runner/worker.ts';

import { loadStudy } from '#desk/load-study.ts';

// Ctrl-C reaches the whole process group; when to stop is the runner's decision.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
// Without a runner there is nobody to report to.
process.on('disconnect', () => process.exit(0));

startHeartbeat();
serveRuns(
  {
    send: (message) => {
      // The runner may go at any moment; then the channel's end is what counts, not a message lost.
      if (process.connected) process.send?.(message, undefined, {}, () => {});
    },
    onMessage: (listener) => process.on('message', (message: ToWorker) => listener(message)),
  },
  () => performance.now(),
  loadStudy,
  (folder) => chatService(folder, process.env),
);
