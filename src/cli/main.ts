#!/usr/bin/env node
/** The command's entry. Static imports would be parsed before the check of Node's version, so there are none. */
const NODE_MAJOR = 24;

if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR) {
  process.stderr.write(
    `Assay needs Node ${NODE_MAJOR} or newer, found ${process.versions.node}. Install it from https://nodejs.org, or run "npm ci" in the project and use "npx assay".\n`,
  );
  process.exitCode = 2;
} else {
  const { cacheCompiledCode } = await import('./compile-cache.ts');
  cacheCompiledCode();
  const { runCommand } = await import('./commands.ts');
  process.exitCode = await runCommand(process.argv.slice(2));
}
