/**
 * Zip archives as Inspect writes them: the central directory, with members stored, deflated or in Zstandard.
 * Written here since node:zlib holds both methods and what is left is three fixed records (PKWARE APPNOTE 6.3.9, 4.3.7, 4.3.12,
 * 4.3.16); the usual libraries know no Zstandard. Invariants: nothing is unpacked beyond the size its directory says, nothing
 * that says more than the limit is begun, and every member's checksum is compared. What is not understood is refused by name.
 */
import { crc32, inflateRawSync, zstdDecompressSync } from 'node:zlib';

import { AssayError, messageOf } from '#base/errors.ts';

/** A member of an archive. */
export interface ZipMember {
  readonly name: string;
  /** Unpacked. */
  readonly size: number;
  /** Unpacks it. @throws AssayError where it is damaged. */
  read(): Uint8Array;
}

const END_SIGNATURE = 0x06054b50;
const MEMBER_SIGNATURE = 0x02014b50;
const LOCAL_SIGNATURE = 0x04034b50;
const [END_BYTES, MEMBER_BYTES, LOCAL_BYTES] = [22, 46, 30];
/** The archive's comment, which stands behind everything, is at most so long. */
const MOST_COMMENT = 0xffff;
const [STORED, DEFLATED, ZSTANDARD] = [0, 8, 93];
const ENCRYPTED = 1;
/** In place of a size, offset or count: it stands in a Zip64 record. */
const IN_ZIP64 = 0xffffffff;
/** The largest member that is unpacked: one sample's JSON with all its events. */
const MOST_MEMBER_BYTES = 2 ** 28;
/** All members together, unpacked. */
const MOST_BYTES = 2 ** 33;

/** Whether bytes begin as an archive does. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && (bytes[2] === 3 || bytes[2] === 5);
}

/**
 * The members of an archive, in the order of its directory; of members of one name the last one counts, as for Python's
 * zipfile, since Inspect appends what it writes again.
 * @throws AssayError naming `where` and what is wrong.
 */
export function zipMembers(bytes: Uint8Array, where: string): readonly ZipMember[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const refuse = refusals(where);
  const end = endOf(view, refuse);
  const [disk, count, start] = [
    view.getUint16(end + 4, true),
    view.getUint16(end + 10, true),
    view.getUint32(end + 16, true),
  ];
  if (disk !== 0) refuse('one file', 'a part of an archive of several');
  if (count === 0xffff || start === IN_ZIP64)
    refuse('an archive below 4 GiB with at most 65,534 members', 'a Zip64 one');
  const members = new Map<string, ZipMember>();
  let [packed, unpackedBytes] = [0, 0];
  for (let i = 0, at = start; i < count; i++) {
    const { member, next, packedSize } = memberAt(bytes, view, at, end, refuse);
    packed += packedSize;
    unpackedBytes += member.size;
    // Members that share their bytes are how a small file becomes a huge one.
    if (packed > bytes.byteLength) refuse('members that do not overlap', 'more packed bytes than the file has');
    if (unpackedBytes > MOST_BYTES) refuse(`at most ${MOST_BYTES} bytes unpacked`, 'more');
    members.delete(member.name);
    members.set(member.name, member);
    at = next;
  }
  return [...members.values()];
}

type Refuse = (expected: string, found: string) => never;

function refusals(where: string): Refuse {
  return (expected, found) => {
    throw new AssayError(
      'file',
      `${where}: expected ${expected}, found ${found}. Is the file whole? Fetch or write it again.`,
    );
  };
}

/** The end record stands before the comment, whose length it says. */
function endOf(view: DataView, refuse: Refuse): number {
  const last = view.byteLength - END_BYTES;
  for (let at = last; at >= Math.max(0, last - MOST_COMMENT); at--) {
    const isEnd =
      view.getUint32(at, true) === END_SIGNATURE && at + END_BYTES + view.getUint16(at + 20, true) === view.byteLength;
    if (isEnd) return at;
  }
  return refuse('a zip archive with its directory at the end', 'none');
}

function memberAt(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  refuse: Refuse,
): { readonly member: ZipMember; readonly next: number; readonly packedSize: number } {
  if (at + MEMBER_BYTES > end || view.getUint32(at, true) !== MEMBER_SIGNATURE) {
    refuse('a directory of as many members as the archive says', `none at byte ${at}`);
  }
  const lengths = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
  const next = at + MEMBER_BYTES + lengths.reduce((sum, length) => sum + length, 0);
  if (next > end) refuse('a directory before the archive ends', 'a member that reaches over it');
  const nameStart = at + MEMBER_BYTES;
  const name = Buffer.from(bytes.subarray(nameStart, nameStart + (lengths[0] ?? 0))).toString('utf8');
  const packed: Packed = {
    name,
    flags: view.getUint16(at + 8, true),
    method: view.getUint16(at + 10, true),
    checksum: view.getUint32(at + 16, true),
    packedSize: view.getUint32(at + 20, true),
    size: view.getUint32(at + 24, true),
    offset: view.getUint32(at + 42, true),
  };
  const member = { name, size: packed.size, read: () => unpacked(bytes, view, packed, refuse) };
  return { member, next, packedSize: packed.packedSize };
}

interface Packed {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly checksum: number;
  readonly packedSize: number;
  readonly size: number;
  readonly offset: number;
}

function unpacked(bytes: Uint8Array, view: DataView, packed: Packed, refuse: Refuse): Uint8Array {
  const { name, flags, method, checksum, packedSize, size, offset } = packed;
  const of = `member ${JSON.stringify(name.slice(0, 80))}`;
  if ((flags & ENCRYPTED) !== 0) refuse(`${of} in the open`, 'an encrypted one');
  if ([packedSize, size, offset].includes(IN_ZIP64)) refuse(`${of} below 4 GiB`, 'a Zip64 one');
  if (size > MOST_MEMBER_BYTES) refuse(`${of} of at most ${MOST_MEMBER_BYTES} bytes`, `one of ${size}`);
  if (offset + LOCAL_BYTES > bytes.byteLength || view.getUint32(offset, true) !== LOCAL_SIGNATURE) {
    refuse(`${of} where the directory says`, `none at byte ${offset}`);
  }
  const start = offset + LOCAL_BYTES + view.getUint16(offset + 26, true) + view.getUint16(offset + 28, true);
  if (start + packedSize > bytes.byteLength) refuse(`all of ${of}`, 'a file that ends before it');
  const content = contentOf(bytes.subarray(start, start + packedSize), method, size, of, refuse);
  if (content.byteLength !== size) refuse(`${of} of ${size} bytes`, `${content.byteLength}`);
  if (crc32(content) !== checksum) refuse(`${of} with the checksum of the directory`, 'another one');
  return content;
}

function contentOf(packed: Uint8Array, method: number, size: number, of: string, refuse: Refuse): Uint8Array {
  // A byte more than is said would be noticed; nothing beyond it is unpacked.
  const maxOutputLength = size + 1;
  try {
    if (method === STORED) return packed;
    if (method === DEFLATED) return inflateRawSync(packed, { maxOutputLength });
    if (method === ZSTANDARD) return zstdDecompressSync(packed, { maxOutputLength });
  } catch (thrown) {
    refuse(`${of} to unpack to ${size} bytes`, messageOf(thrown));
  }
  return refuse(
    `${of} stored, deflated or in Zstandard (methods ${STORED}, ${DEFLATED}, ${ZSTANDARD})`,
    `method ${method}`,
  );
}
