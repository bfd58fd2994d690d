// SPDX-License-Identifier: GPL-3.0-or-later
// render: runs inside Chromium.  Renders files one after the other through the player's own reel and line, offline.
import type { Bytes } from '../../src/audio/bytes';
import { Line } from '../../src/audio/line';
import { openSource } from '../../src/audio/open';
import { reel, type Opened } from '../../src/audio/reel';
import { decodeInBrowser } from '../../src/audio/source';

const LEAD = 4800; // frames of silence before the first track

async function fetched(address: string): Promise<Bytes> {
  const all = new Uint8Array(await (await fetch(address)).arrayBuffer());
  return {
    size: () => Promise.resolve(all.length),
    read: (offset, length) => Promise.resolve(all.slice(offset, offset + length)),
  };
}

export async function render(addresses: string[], rate: number, frames: number, from: number): Promise<Float32Array[]> {
  const context = new OfflineAudioContext(2, LEAD + frames, rate);
  const line = new Line(context, context.destination, LEAD);
  const open = async (index: number): Promise<Opened | null> => {
    const address = addresses[index];
    if (!address) return null;
    return { key: index, source: await openSource(await fetched(address), rate, decodeInBrowser), gain: 1 };
  };
  const first = (await open(0)) as Opened;
  for await (const { opened, slab } of reel(first, from, (after) => open(after.key + 1))) {
    line.append(opened.key, slab, opened.gain);
  }
  const out = await context.startRendering();
  return [0, 1].map((channel) => out.getChannelData(channel).slice(LEAD));
}

/**
 * Browsers map 16 bits to floats by 32768, or (Chromium) by 32767 above zero.  Both are one to one: the same sample is the
 * same integer again, to a hundredth of a step.
 */
function isSample(heard: number, source: number): boolean {
  const near = (scale: number): boolean => Math.abs(heard * scale - source) < 0.01;
  return near(32768) || (source > 0 && near(32767));
}

/** How many samples differ from the 16-bit source, and where the first one is. */
async function compare(addresses: string[], source: string, rate: number, from: number): Promise<{ differ: number; first: number; total: number }> {
  const pcm = new Int16Array(await (await fetch(source)).arrayBuffer());
  const total = pcm.length / 2 - from;
  const heard = await render(addresses, rate, total, from);
  let differ = 0;
  let first = -1;
  for (let i = 0; i < total; i++) {
    for (let c = 0; c < 2; c++) {
      if (!isSample((heard[c] as Float32Array)[i] as number, pcm[(i + from) * 2 + c] as number)) {
        if (differ === 0) first = i;
        differ += 1;
      }
    }
  }
  return { differ, first, total };
}

/** How long a file is after decoding as the player does it, and its loudest step at the seam of two copies. */
async function lengths(addresses: string[], rates: number[]): Promise<number[]> {
  return Promise.all(
    addresses.map(async (address, i) => (await openSource(await fetched(address), rates[i] ?? 44100, decodeInBrowser)).frames),
  );
}

Object.assign(globalThis, { gapless: { compare, lengths } });
