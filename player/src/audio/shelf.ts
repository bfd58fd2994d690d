// SPDX-License-Identifier: GPL-3.0-or-later
// shelf: the files in reach of the listener: the one that plays and those that come next, fetched one after the other.
import { openBytes } from '../data/objects';
import { renewGrant } from '../data/session';
import { TrackBytes } from './bytes';

export class Shelf {
  private readonly held = new Map<string, TrackBytes>();
  private order: string[] = [];
  private timer: ReturnType<typeof setInterval> | null = null;

  /** Wanted at once, whatever the order. */
  get(trackId: string): TrackBytes {
    const found = this.held.get(trackId);
    if (found) return found.start();
    const fresh = new TrackBytes((from, etag, signal) => openBytes(trackId, from, etag, signal), renewGrant);
    this.held.set(trackId, fresh);
    return fresh.start();
  }

  peek(trackId: string): TrackBytes | undefined {
    return this.held.get(trackId);
  }

  /** Broken bytes (the file changed): the next get() starts anew. */
  drop(trackId: string): void {
    this.held.get(trackId)?.stop();
    this.held.delete(trackId);
  }

  /** The tracks worth holding, most urgent first; everything else is let go. */
  setOrder(trackIds: readonly string[]): void {
    this.order = [...new Set(trackIds)];
    for (const id of [...this.held.keys()]) if (!this.order.includes(id)) this.drop(id);
    this.timer ??= setInterval(() => this.fetchAhead(), 500);
  }

  /** Starts the next file once all before it are complete, so that what plays first is fetched first. */
  private fetchAhead(): void {
    for (const id of this.order) {
      const bytes = this.held.get(id);
      if (!bytes) return void this.get(id);
      if (!bytes.isComplete) return;
    }
  }
}
