// SPDX-License-Identifier: GPL-3.0-or-later
// source: one track as a run of decoded slabs, in order, that join without a sample between them.

export interface Slab {
  buffer: AudioBuffer;
  skip: number; // frames of the buffer that are not to be heard, at its start
  frames: number; // frames to be heard after them
  at: number; // where in the track the first heard frame stands
}

export interface Source {
  readonly sampleRate: number;
  readonly frames: number; // of the whole track; NaN when not known
  /** From this frame to the end.  Each call is a run of its own. */
  slabs(from: number): AsyncGenerator<Slab>;
}

/** Decodes one whole file (or a piece that looks like one) at exactly this rate.  Takes the bytes over. */
export type Decode = (bytes: ArrayBuffer, sampleRate: number) => Promise<AudioBuffer>;

/** The browser cannot decode this: ask the server for another form. */
export class Undecodable extends Error {}

/** Seconds per slab: short at first, so that sound comes at once, then long, so that little is done often. */
const RAMP_S = [0.4, 1, 2, 4];
const LONG_S = 8;

export function* slabLengths(sampleRate: number): Generator<number, never> {
  for (const seconds of RAMP_S) yield Math.round(seconds * sampleRate);
  for (;;) yield LONG_S * sampleRate;
}

/** An AudioContext at any rate can decode; an offline one needs no loudspeaker and no permission. */
export const decodeInBrowser: Decode = async (bytes, sampleRate) => {
  const context = new OfflineAudioContext(1, 1, sampleRate);
  try {
    return await context.decodeAudioData(bytes);
  } catch (error) {
    throw new Undecodable(String(error));
  }
};
