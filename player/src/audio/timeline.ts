// SPDX-License-Identifier: GPL-3.0-or-later
// timeline: which track begins where on the element's clock.  Tracks follow each other without a sample between: the next one
// is laid only when the length of the last is known exactly.
import type { Item } from './stage';
import type { Supply } from './supply';

export interface Entry {
  item: Item;
  supply: Supply;
  startS: number;
  endS: number; // Infinity until it is known
}

const MOST_PAST = 2;

export class Timeline {
  readonly entries: Entry[] = [];

  get last(): Entry | undefined {
    return this.entries.at(-1);
  }

  add(item: Item, supply: Supply): Entry {
    const startS = this.last?.endS ?? 0;
    const entry = { item, supply, startS, endS: Infinity };
    this.entries.push(entry);
    return entry;
  }

  /** What sounds at this second; the first or the last track when none does. */
  at(seconds: number): Entry | undefined {
    return this.entries.filter((entry) => entry.startS <= seconds + 1e-4).at(-1) ?? this.entries[0];
  }

  after(entry: Entry): Entry | undefined {
    return this.entries[this.entries.indexOf(entry) + 1];
  }

  cutAfter(entry: Entry): void {
    this.entries.splice(this.entries.indexOf(entry) + 1);
  }

  /** Forgets tracks long gone. */
  prune(now: Entry): void {
    const at = this.entries.indexOf(now);
    if (at > MOST_PAST) this.entries.splice(0, at - MOST_PAST);
  }
}
