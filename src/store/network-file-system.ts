/** Whether a folder lies on a network file system, where SQLite's locks and shared memory do not hold. Source: sqlite.org/wal.html, "Disadvantages" 2. */
import { readFileSync } from 'node:fs';

const NETWORK_TYPES: ReadonlySet<string> = new Set(
  'nfs nfs4 cifs smb3 smbfs afs ceph glusterfs fuse.glusterfs fuse.sshfs lustre gpfs beegfs'.split(' '),
);

/** The network file system under an absolute path, such as `nfs4`, or undefined for local ones and where it cannot be told. */
export function networkFileSystemOf(path: string, mounts: string = readMounts()): string | undefined {
  let best = { point: '', type: '' };
  for (const line of mounts.split('\n')) {
    const [, escaped = '', type = ''] = line.split(' ');
    const point = escaped.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCodePoint(Number.parseInt(octal, 8)),
    );
    const isAbove = point === '/' || path === point || path.startsWith(`${point}/`);
    // Of two mounts on one point the later hides the earlier.
    if (point !== '' && isAbove && point.length >= best.point.length) best = { point, type };
  }
  return NETWORK_TYPES.has(best.type) ? best.type : undefined;
}

/** The kernel's table of mounts; empty where there is none (macOS, Windows). */
function readMounts(): string {
  try {
    return readFileSync('/proc/mounts', 'utf8');
  } catch {
    return '';
  }
}
