/**
 * What kind of file system a folder lies on: on those of the network SQLite's locks and shared memory do not hold.
 * Source: sqlite.org/wal.html, "Disadvantages" 2. Kinds are many and new ones come, so those known to be local are listed;
 * what is in neither list is unknown, never taken for local.
 */
import { readFileSync } from 'node:fs';

import { existingPart } from '#base/make-folder.ts';

/** Of disks and memory of this machine, as the kernel writes them; what lies over local ones included. */
const LOCAL_TYPES: ReadonlySet<string> = new Set(
  (
    'ext2 ext3 ext4 xfs btrfs zfs f2fs bcachefs jfs reiserfs reiser4 nilfs2 ubifs jffs2 erofs ' +
    'tmpfs ramfs rootfs overlay aufs fuse.fuse-overlayfs ecryptfs ' +
    'apfs hfs hfsplus ufs ntfs ntfs3 fuseblk fuse.ntfs-3g vfat msdos exfat'
  ).split(' '),
);
const NETWORK_TYPES: ReadonlySet<string> = new Set(
  'nfs nfs4 cifs smb3 smbfs afs ceph glusterfs fuse.glusterfs fuse.sshfs lustre gpfs beegfs'.split(' '),
);

/** A kind of file system, by what is known of it; `type` is the kernel's name, such as `nfs4`. */
export type FileSystem =
  | { readonly kind: 'local' }
  | { readonly kind: 'network'; readonly type: string }
  | { readonly kind: 'unknown'; readonly type: string };

/**
 * The file system a folder lies on, or will once it is made. Local where the machine has no table of mounts to ask
 * (macOS, Windows).
 * @param path Absolute.
 */
export function fileSystemOf(path: string, mounts: string = readMounts()): FileSystem {
  const place = existingPart(path);
  let best = { point: '', type: '' };
  for (const line of mounts.split('\n')) {
    const [, escaped = '', type = ''] = line.split(' ');
    const point = escaped.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCodePoint(Number.parseInt(octal, 8)),
    );
    const isAbove = point === '/' || place === point || place.startsWith(`${point}/`);
    // Of two mounts on one point the later hides the earlier.
    if (point !== '' && isAbove && point.length >= best.point.length) best = { point, type };
  }
  const { type } = best;
  if (type === '' || LOCAL_TYPES.has(type)) return { kind: 'local' };
  return { kind: NETWORK_TYPES.has(type) ? 'network' : 'unknown', type };
}

/** What is to be said of a folder on a file system of an unknown kind; undefined for all others. */
export function doubtOf(folder: string): string | undefined {
  const system = fileSystemOf(folder);
  if (system.kind !== 'unknown') return undefined;
  return (
    `${folder} is on a file system of a kind that is not known to be local (${system.type}). If it is one of the network, ` +
    'SQLite can lose data there: choose a local disk with --store.'
  );
}

/** The kernel's table of mounts; empty where there is none (macOS, Windows). */
function readMounts(): string {
  try {
    return readFileSync('/proc/mounts', 'utf8');
  } catch {
    return '';
  }
}
