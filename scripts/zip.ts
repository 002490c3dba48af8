/** A zip of files in memory, always the same bytes for the same files: sorted, dated 1980, without whatever else a file system knows. */
import { crc32, deflateRawSync } from 'node:zlib';

const UTF8_NAMES = 0x0800;
const DEFLATED = 8;
/** 1 January 1980, the first day the format knows. */
const DATE = 0x0021;
/** Made by Unix (3), format 2.0; a file that its owner may write and everybody read. */
const MADE_BY = (3 << 8) | 20;
const MODE = (0o100644 << 16) >>> 0;

export function zip(files: ReadonlyMap<string, Uint8Array>): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [path, bytes] of [...files].sort(([left], [right]) => (left < right ? -1 : 1))) {
    const name = Buffer.from(path);
    const packed = deflateRawSync(bytes, { level: 9 });
    const facts = factsOf(bytes, packed, name);
    const offset = at;
    const local = [u32(0x04034b50), u16(20), facts, u16(0), name, packed];
    for (const part of local) at += part.length;
    parts.push(...local);
    directory.push(
      Buffer.concat([
        u32(0x02014b50),
        u16(MADE_BY),
        u16(20),
        facts,
        u16(0),
        u16(0),
        u16(0),
        u16(0),
        u32(MODE),
        u32(offset),
        name,
      ]),
    );
  }
  const entries = Buffer.concat(directory);
  const end = [u32(0x06054b50), u16(0), u16(0), u16(files.size), u16(files.size), u32(entries.length), u32(at), u16(0)];
  return Buffer.concat([...parts, entries, ...end]);
}

/** What stands the same way before the file and in the directory: flags to the length of the name. */
function factsOf(bytes: Uint8Array, packed: Buffer, name: Buffer): Buffer {
  return Buffer.concat([
    u16(UTF8_NAMES),
    u16(DEFLATED),
    u16(0),
    u16(DATE),
    u32(crc32(bytes)),
    u32(packed.length),
    u32(bytes.length),
    u16(name.length),
  ]);
}

function u16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeUInt16LE(value);
  return buffer;
}

function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32LE(value);
  return buffer;
}
