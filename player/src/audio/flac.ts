// SPDX-License-Identifier: GPL-3.0-or-later
// flac: cuts a FLAC file (RFC 9639) at frame boundaries, so that it can be decoded piece by piece and every piece joins
// the last sample for sample.  Frames do not depend on each other; a piece gets the file's STREAMINFO in front.
import type { Bytes } from './bytes';
import { slabLengths, Undecodable, type Decode, type Slab, type Source } from './source';

interface StreamInfo {
  block: Uint8Array; // the 34 bytes
  minBlock: number;
  maxBlock: number;
  minFrameBytes: number;
  sampleRate: number;
  total: number; // samples; 0 when not known
  audioAt: number; // offset of the first frame
}

interface Frame {
  byte: number;
  sample: number;
  block: number;
}

const WINDOW = 64 * 1024;
const RATES = [0, 88200, 176400, 192000, 8000, 16000, 22050, 24000, 32000, 44100, 48000, 96000];

const CRC8 = new Uint8Array(256);
for (let i = 0; i < 256; i++) {
  let c = i;
  for (let bit = 0; bit < 8; bit++) c = c & 0x80 ? (c << 1) ^ 0x07 : c << 1;
  CRC8[i] = c;
}

const u8 = (data: Uint8Array, at: number): number => data[at] ?? 0;
const u16 = (data: Uint8Array, at: number): number => (u8(data, at) << 8) | u8(data, at + 1);
const u24 = (data: Uint8Array, at: number): number => (u16(data, at) << 8) | u8(data, at + 2);

/** Reads the metadata blocks' headers; pictures and tags are stepped over, not fetched. */
export async function readStreamInfo(bytes: Bytes, start: number): Promise<StreamInfo> {
  let at = start + 4;
  let info: StreamInfo | null = null;
  for (let count = 0; count < 256; count++) {
    const head = await bytes.read(at, 4 + 34);
    if (head.length < 4) break;
    const size = u24(head, 1);
    if ((u8(head, 0) & 127) === 0 && size >= 34) info = streamInfo(head.slice(4, 38));
    at += 4 + size;
    if (u8(head, 0) & 128) break;
  }
  if (!info || info.sampleRate === 0) throw new Undecodable('FLAC without STREAMINFO');
  return { ...info, audioAt: at };
}

function streamInfo(block: Uint8Array): StreamInfo {
  return {
    block,
    minBlock: u16(block, 0),
    maxBlock: u16(block, 2),
    minFrameBytes: u24(block, 4),
    sampleRate: u24(block, 10) >> 4,
    total: (u8(block, 13) & 15) * 2 ** 32 + u16(block, 14) * 65536 + u16(block, 16),
    audioAt: 0,
  };
}

/** The frame header at `at` (RFC 9639 9.1), or null when there is none, or the data ends inside it. */
export function frameAt(data: Uint8Array, at: number, info: StreamInfo): { sample: number; block: number } | null {
  if (u8(data, at) !== 0xff || (u8(data, at + 1) & 0xfe) !== 0xf8 || at + 6 > data.length) return null;
  const blockCode = u8(data, at + 2) >> 4;
  const rateCode = u8(data, at + 2) & 15;
  if (blockCode === 0 || rateCode === 15 || u8(data, at + 3) >> 4 > 10 || u8(data, at + 3) & 1) return null;
  if (rateCode > 0 && rateCode < 12 && RATES[rateCode] !== info.sampleRate) return null;
  const number = codedNumber(data, at + 4);
  if (!number) return null;
  let end = number.end;
  const block = blockSize(blockCode, data, end);
  end += blockCode === 6 ? 1 : blockCode === 7 ? 2 : 0;
  end += rateCode === 12 ? 1 : rateCode > 12 ? 2 : 0;
  if (end >= data.length || crc8(data, at, end) !== u8(data, end)) return null;
  const isVariable = (u8(data, at + 1) & 1) === 1;
  return { sample: isVariable ? number.value : number.value * info.minBlock, block };
}

function blockSize(code: number, data: Uint8Array, at: number): number {
  if (code === 1) return 192;
  if (code <= 5) return 576 << (code - 2);
  if (code === 6) return u8(data, at) + 1;
  if (code === 7) return u16(data, at) + 1;
  return 256 << (code - 8);
}

/** A number in the manner of UTF-8, up to 36 bits. */
function codedNumber(data: Uint8Array, at: number): { value: number; end: number } | null {
  const first = u8(data, at);
  if (first < 0x80) return { value: first, end: at + 1 };
  let extra = 0;
  while (extra < 7 && first & (0x80 >> extra)) extra++;
  if (extra < 2) return null;
  let value = first & (0x7f >> extra);
  for (let i = 1; i < extra; i++) {
    const next = u8(data, at + i);
    if ((next & 0xc0) !== 0x80) return null;
    value = value * 64 + (next & 0x3f);
  }
  return { value, end: at + extra };
}

function crc8(data: Uint8Array, from: number, to: number): number {
  let c = 0;
  for (let i = from; i < to; i++) c = CRC8[c ^ u8(data, i)] ?? 0;
  return c;
}

export class FlacSource implements Source {
  private constructor(
    private readonly bytes: Bytes,
    private readonly info: StreamInfo,
    private readonly size: number,
    private readonly decode: Decode,
  ) {}

  static async open(bytes: Bytes, start: number, decode: Decode): Promise<FlacSource> {
    return new FlacSource(bytes, await readStreamInfo(bytes, start), await bytes.size(), decode);
  }

  get sampleRate(): number {
    return this.info.sampleRate;
  }

  get frames(): number {
    return this.info.total || NaN;
  }

  async *slabs(from: number): AsyncGenerator<Slab> {
    let frame = await this.seek(from);
    let at = from;
    const lengths = slabLengths(this.sampleRate);
    for (;;) {
      const piece = await this.cut(frame, at - frame.sample + lengths.next().value);
      if (!piece) return;
      const buffer = await this.decode(this.wrap(piece.data, piece.samples), this.sampleRate);
      const skip = Math.min(at - frame.sample, buffer.length);
      const frames = Math.min(buffer.length, piece.samples) - skip;
      if (frames > 0) yield { buffer, skip, frames, at };
      if (!piece.next) return;
      frame = piece.next;
      at = frame.sample;
    }
  }

  /** Whole frames from `start` on that hold at least `wanted` samples, and the frame after them. */
  private async cut(
    start: Frame,
    wanted: number,
  ): Promise<{ data: Uint8Array; samples: number; next: Frame | null } | null> {
    if (start.byte >= this.size) return null;
    const perSample = this.info.total ? (this.size - this.info.audioAt) / this.info.total : 3;
    let length = Math.ceil(wanted * perSample * 1.1) + WINDOW;
    let at = 0;
    let last = start;
    let data = await this.bytes.read(start.byte, length);
    for (;;) {
      const next = this.nextFrame(data, at, last);
      if (next) {
        at = next.byte;
        last = { ...next, byte: start.byte + next.byte };
        if (last.sample - start.sample < wanted) continue;
        return { data: data.subarray(0, at), samples: last.sample - start.sample, next: last };
      }
      if (start.byte + data.length >= this.size) {
        return { data, samples: last.sample + last.block - start.sample, next: null };
      }
      length += Math.max(WINDOW, length >> 1);
      data = await this.bytes.read(start.byte, length);
    }
  }

  /** The header that follows the frame at data[at]; damage is stepped over. */
  private nextFrame(data: Uint8Array, at: number, last: Frame): Frame | null {
    const expected = last.sample + last.block;
    const latest = expected + 64 * this.info.maxBlock;
    const end = data.length - 16;
    for (let i = data.indexOf(0xff, at + Math.max(this.info.minFrameBytes, 6)); i >= 0 && i < end; ) {
      const head = frameAt(data, i, this.info);
      if (head && head.sample >= expected && head.sample <= latest) return { byte: i, ...head };
      i = data.indexOf(0xff, i + 1);
    }
    return null;
  }

  /** The file's STREAMINFO in front, saying how long this piece is and nothing about its digest. */
  private wrap(data: Uint8Array, samples: number): ArrayBuffer {
    const out = new Uint8Array(42 + data.length);
    out.set([0x66, 0x4c, 0x61, 0x43, 0x80, 0, 0, 34]);
    out.set(this.info.block, 8);
    out.set([0, 0, 0, 0, 0, 0], 12); // frame sizes: not known
    out[21] = (out[21] as number) & 0xf0;
    new DataView(out.buffer).setUint32(22, samples);
    out.fill(0, 26, 42);
    out.set(data, 42);
    return out.buffer;
  }

  /** A frame that starts at or less than a second before `target`. */
  private async seek(target: number): Promise<Frame> {
    let low: Frame = await this.firstFrame();
    if (target <= low.sample || !this.info.total) return low;
    let high = { byte: this.size, sample: this.info.total };
    for (let tries = 0; tries < 24 && target - low.sample > this.sampleRate; tries++) {
      const share = (target - low.sample) / Math.max(high.sample - low.sample, 1);
      const pull = tries < 4 ? share : (share + 0.5) / 2;
      const guess = Math.floor(low.byte + pull * (high.byte - low.byte)) - 8192;
      if (guess <= low.byte) break;
      const found = await this.anyFrame(guess, low.sample, high.sample);
      if (!found || found.byte >= high.byte) high = { byte: guess, sample: found?.sample ?? high.sample };
      else if (found.sample > target) high = { byte: guess, sample: found.sample };
      else low = found;
    }
    return low;
  }

  private async firstFrame(): Promise<Frame> {
    return (await this.anyFrame(this.info.audioAt, 0, Infinity)) ?? { byte: this.size, sample: 0, block: 0 };
  }

  /** The first header at or after this byte whose sample number lies in the range. */
  private async anyFrame(byte: number, low: number, high: number): Promise<Frame | null> {
    const data = await this.bytes.read(byte, 2 * WINDOW);
    for (let i = data.indexOf(0xff); i >= 0; i = data.indexOf(0xff, i + 1)) {
      const head = frameAt(data, i, this.info);
      if (head && head.sample >= low && head.sample < high) return { byte: byte + i, ...head };
    }
    return null;
  }
}
