/** Reads a zip by its directory, with the sums checked: enough for packages of our own making. */
import { crc32, inflateRawSync } from 'node:zlib';

export interface Unzipped {
  readonly path: string;
  readonly bytes: Buffer;
  readonly packedBytes: number;
}

export function unzip(zip: Buffer): Unzipped[] {
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  if (end < 0) throw new Error('this is no zip');
  const found: Unzipped[] = [];
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const [packedBytes, nameLength] = [zip.readUInt32LE(at + 20), zip.readUInt16LE(at + 28)];
    const path = zip.toString('utf8', at + 46, at + 46 + nameLength);
    const local = zip.readUInt32LE(at + 42);
    const from = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const bytes = inflateRawSync(zip.subarray(from, from + packedBytes));
    if (crc32(bytes) !== zip.readUInt32LE(at + 16)) throw new Error(`${path} is damaged`);
    found.push({ path, bytes, packedBytes });
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return found;
}
