/** Pictures of pages have few colours: as PNG with a palette they take a third of the room. */
import { crc32, deflateSync, inflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const MOST_COLOURS = 256;
/** Grounds and surfaces, which lie close together and fill most of the picture. */
const EXACT_COLOURS = 48;

interface Picture {
  readonly width: number;
  readonly height: number;
  /** Three bytes a pixel. */
  readonly pixels: Buffer;
}

/** What a browser writes: eight bits a channel, not interlaced. */
export function withPalette(png: Buffer): Buffer {
  const { width, height, pixels } = decode(png);
  const { colours, indexOf } = palette(pixels);
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) rows[y * (width + 1) + 1 + x] = indexOf(pixels.readUIntBE((y * width + x) * 3, 3));
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', head),
    chunk('PLTE', Buffer.from(colours.flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]))),
    chunk('IDAT', deflateSync(rows, { level: 9, memLevel: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** Close colours count as one, the most used of them: else the shades of grey around letters would crowd out what is rare and means something. */
function palette(pixels: Buffer): { colours: readonly number[]; indexOf: (colour: number) => number } {
  const uses = new Map<number, number>();
  for (let at = 0; at < pixels.length; at += 3) {
    const colour = pixels.readUIntBE(at, 3);
    uses.set(colour, (uses.get(colour) ?? 0) + 1);
  }
  const ranked = [...uses].sort(([, a], [, b]) => b - a);
  const kinds = Map.groupBy(ranked, ([colour]) => colour & 0xf0f0f0);
  const weights = [...kinds.values()].map((ones) => ({
    colour: ones[0]?.[0] ?? 0,
    uses: ones.reduce((sum, [, times]) => sum + times, 0),
  }));
  const kept = weights.sort((a, b) => b.uses - a.uses).map(({ colour }) => colour);
  const colours = [...new Set([...ranked.slice(0, EXACT_COLOURS).map(([colour]) => colour), ...kept])].slice(
    0,
    MOST_COLOURS,
  );
  const known = new Map(colours.map((colour, index) => [colour, index]));
  const indexOf = (colour: number): number => {
    const index = known.get(colour) ?? nearest(colours, colour);
    known.set(colour, index);
    return index;
  };
  return { colours, indexOf };
}

function nearest(colours: readonly number[], wanted: number): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (const [index, colour] of colours.entries()) {
    const red = (colour >> 16) - (wanted >> 16);
    const green = ((colour >> 8) & 255) - ((wanted >> 8) & 255);
    const blue = (colour & 255) - (wanted & 255);
    const distance = red * red + green * green + blue * blue;
    if (distance < least) [best, least] = [index, distance];
  }
  return best;
}

function decode(png: Buffer): Picture {
  const parts: Buffer[] = [];
  let [width, height, channels] = [0, 0, 0];
  for (let at = SIGNATURE.length; at < png.length; ) {
    const length = png.readUInt32BE(at);
    const name = png.toString('latin1', at + 4, at + 8);
    const data = png.subarray(at + 8, at + 8 + length);
    if (name === 'IHDR') {
      [width, height] = [data.readUInt32BE(0), data.readUInt32BE(4)];
      channels = data[9] === 6 ? 4 : 3;
    } else if (name === 'IDAT') parts.push(data);
    at += length + 12;
  }
  const bytes = unfiltered(inflateSync(Buffer.concat(parts)), width * channels, channels);
  if (channels === 3) return { width, height, pixels: bytes };
  const pixels = Buffer.alloc(width * height * 3);
  for (let at = 0; at < width * height; at++) bytes.copy(pixels, at * 3, at * 4, at * 4 + 3);
  return { width, height, pixels };
}

/** PNG, 9.2: each row says how its bytes were made smaller by those around them. */
function unfiltered(rows: Buffer, stride: number, channels: number): Buffer {
  const height = rows.length / (stride + 1);
  const out = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    const kind = rows[y * (stride + 1)] ?? 0;
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x;
      const left = x < channels ? 0 : (out[at - channels] ?? 0);
      const up = y === 0 ? 0 : (out[at - stride] ?? 0);
      const corner = y === 0 || x < channels ? 0 : (out[at - stride - channels] ?? 0);
      out[at] = (rows[y * (stride + 1) + 1 + x] ?? 0) + predicted(kind, { left, up, corner });
    }
  }
  return out;
}

interface Around {
  readonly left: number;
  readonly up: number;
  readonly corner: number;
}

function predicted(kind: number, { left, up, corner }: Around): number {
  switch (kind) {
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    case 4: {
      const near = left + up - corner;
      const [a, b, c] = [Math.abs(near - left), Math.abs(near - up), Math.abs(near - corner)];
      return a <= b && a <= c ? left : b <= c ? up : corner;
    }
    default:
      return 0;
  }
}
