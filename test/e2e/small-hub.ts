/** A hub on this machine with one small model, which sends its weights slowly enough to be disturbed. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export const COMMIT = '0123456789abcdef0123456789abcdef01234567';
export const WEIGHTS = 'model.safetensors';
export const CONTENTS = new Map([
  ['config.json', Buffer.from('{}')],
  [WEIGHTS, Buffer.alloc(1 << 20, 'weights of a model ')],
]);
/** Sent at once, then comes a pause. */
export const CHUNK_BYTES = 1 << 15;
/** The whole takes a third of a second. */
const PAUSE_MS = 10;

/** A hub that sends its weights as slowly as it is told, and remembers from which byte it was asked for them. */
export async function smallHub(pauseMs = PAUSE_MS) {
  const asked: number[] = [];
  const hub = { pauseMs };
  const send = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
    asked.push(from);
    const content = CONTENTS.get(WEIGHTS) ?? Buffer.alloc(0);
    const range = { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` };
    response.writeHead(from > 0 ? 206 : 200, from > 0 ? range : {});
    for (let at = from; at < content.length && !response.destroyed; at += CHUNK_BYTES) {
      response.write(content.subarray(at, at + CHUNK_BYTES));
      await sleep(hub.pauseMs);
    }
    response.end();
  };
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    if (path.includes('/tree/')) response.end(JSON.stringify(tree()));
    else if (path.endsWith(WEIGHTS)) void send(request, response);
    else if (path.includes('/resolve/')) response.end(CONTENTS.get('config.json'));
    else response.end(JSON.stringify({ _id: '1', id: 'org/tiny', sha: COMMIT }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    asked,
    hurry: () => (hub.pauseMs = 0),
    async [Symbol.asyncDispose](): Promise<void> {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function tree(): object[] {
  return [...CONTENTS].map(([path, content]) => {
    const oid = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
    return { type: 'file', path, size: content.length, oid };
  });
}
