// SPDX-License-Identifier: GPL-3.0-or-later
// reel: track after track as one run of slabs.  The next track is asked for only when the last slab of this one was
// handed out, so changes to the queue count until shortly before the seam.
import type { Slab, Source } from './source';

export interface Opened {
  key: number;
  source: Source;
  gain: number;
}

export interface Reeled {
  opened: Opened;
  slab: Slab;
}

/** `follow` gives the track that joins this one without a gap, or null when none can. */
export async function* reel(
  first: Opened,
  fromFrame: number,
  follow: (after: Opened) => Promise<Opened | null>,
): AsyncGenerator<Reeled> {
  let opened: Opened | null = first;
  let from = fromFrame;
  while (opened) {
    for await (const slab of opened.source.slabs(from)) yield { opened, slab };
    opened = await follow(opened);
    from = 0;
  }
}
