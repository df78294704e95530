/** Node's own cache of compiled modules, for this process and its workers: starting takes a third of the CPU time. */
import { enableCompileCache } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Turns the cache on; where it cannot be written, Node goes on without. A folder the user named, or a ban, is respected. */
export function cacheCompiledCode(): void {
  // A worker's modules are loaded before any code of its own could turn the cache on, so it is told by its environment.
  process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'node-compile-cache');
  enableCompileCache(process.env['NODE_COMPILE_CACHE']);
}
