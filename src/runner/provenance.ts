/** What may change the bits of a result, read from the machine it is made on. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, cpus, platform } from 'node:os';

import type { Provenance } from '#store/records.ts';

/** x86 instruction sets that pick other kernels, as /proc/cpuinfo spells them. */
const INSTRUCTION_SETS = ['sse4_2', 'avx', 'avx2', 'fma', 'avx512f', 'avx512_vnni', 'avx_vnni', 'amx_tile'];

/** This machine's provenance, for Assay at `version` and, where known, at a commit. */
export function provenanceHere(version: string, commit: string | undefined): Provenance {
  return {
    assay: version,
    ...(commit === undefined ? {} : { commit }),
    onnxruntime: onnxruntimeVersion(),
    node: process.versions.node,
    os: platform(),
    arch: arch(),
    instructionSets: instructionSets(),
  };
}

/** The installed version of onnxruntime-node, or `none`. */
function onnxruntimeVersion(): string {
  try {
    const manifest: unknown = createRequire(import.meta.url)('onnxruntime-node/package.json');
    const isManifest = typeof manifest === 'object' && manifest !== null && 'version' in manifest;
    return isManifest ? String(manifest.version) : 'unknown';
  } catch {
    return 'none';
  }
}

/** The CPU's vector instruction sets on Linux; elsewhere the CPU's name, which implies them. */
function instructionSets(): string {
  try {
    const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.trim().split(' ');
    if (flags !== undefined) return INSTRUCTION_SETS.filter((name) => flags.includes(name)).join(' ');
  } catch {
    // Not Linux.
  }
  return cpus()[0]?.model ?? 'unknown';
}
