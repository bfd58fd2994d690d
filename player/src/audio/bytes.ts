// SPDX-License-Identifier: GPL-3.0-or-later
// bytes: one track's file, fetched ahead of the listener and held in memory.
//
// Fetching never gives up because of the network: it resumes where it broke, with jittered back-off, until the track is no
// longer wanted.  What is held stays readable whatever happens to the server.  A file over BIG_BYTES is held as a window
// around the place that is read.  If the file changes on the server (another ETag) everything held is dropped and
// readers get FileChanged.
import { Backoff, pause } from '../data/backoff';
import { Problem, problemOf } from '../data/problem';

export const BLOCK = 256 * 1024;
const BIG_BYTES = 160 * 1024 * 1024;
const AHEAD_BLOCKS = 256; // of a big file: 64 MiB ahead,
const BEHIND_BLOCKS = 32; // 8 MiB behind
const STALL_MS = 15_000;

export type OpenBytes = (from: number, etag: string, signal: AbortSignal) => Promise<Response>;

/** What the containers' readers need. */
export interface Bytes {
  size(): Promise<number>;
  /** Waits for the bytes; fewer only at the end of the file. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

export class FileChanged extends Error {}

interface Block {
  bytes: Uint8Array;
  filled: number;
}

export class TrackBytes implements Bytes {
  private readonly blocks = new Map<number, Block>();
  private readonly stopping = new AbortController();
  private total = NaN;
  private etag = '';
  private wantedBlock = 0;
  private failure: Error | null = null;
  private waiters: (() => void)[] = [];
  private current: AbortController | null = null;
  private isStarted = false;
  private isTurned = false; // the stream under way was left on purpose
  private streamAt = -1; // where it stands; -1 when there is none

  constructor(
    private readonly open: OpenBytes,
    private readonly onDenied: () => Promise<void> = () => Promise.resolve(),
    private readonly backoff = new Backoff(400, 10_000),
  ) {}

  /** Begins to fetch; harmless when it has begun. */
  start(): this {
    if (!this.isStarted) {
      this.isStarted = true;
      void this.fill();
    }
    return this;
  }

  /** No longer wanted: readers fail, memory is free. */
  stop(): void {
    this.stopping.abort();
    this.fail(new Problem('missing', 'No longer wanted.'));
    this.blocks.clear();
  }

  get isComplete(): boolean {
    return this.firstMissing(0) === null;
  }

  /** How far the bytes are held without a hole, from this offset on. */
  heldTo(offset: number): number {
    let at = Math.floor(offset / BLOCK);
    for (; ; at++) {
      const block = this.blocks.get(at);
      if (!block) return Math.max(offset, at * BLOCK);
      if (block.filled < BLOCK) return Math.max(offset, at * BLOCK + block.filled);
    }
  }

  get knownSize(): number {
    return this.total;
  }

  async size(): Promise<number> {
    this.start();
    while (Number.isNaN(this.total)) await this.change();
    return this.total;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const end = Math.min(offset + length, await this.size());
    if (end <= offset) return new Uint8Array(0);
    this.wantedBlock = Math.floor(offset / BLOCK);
    const etag = this.etag;
    while (this.heldTo(offset) < end) {
      this.turnTo(this.heldTo(offset));
      await this.change();
      if (this.etag !== etag) throw new FileChanged();
    }
    this.forget();
    return this.copy(offset, end);
  }

  private copy(offset: number, end: number): Uint8Array {
    const out = new Uint8Array(end - offset);
    for (let at = offset; at < end; ) {
      const index = Math.floor(at / BLOCK);
      const start = at - index * BLOCK;
      const part = (this.blocks.get(index) as Block).bytes.subarray(start, Math.min(BLOCK, end - index * BLOCK));
      out.set(part, at - offset);
      at += part.length;
    }
    return out;
  }

  private get isBig(): boolean {
    return this.total > BIG_BYTES;
  }

  private forget(): void {
    if (!this.isBig) return;
    for (const index of this.blocks.keys()) {
      if (index < this.wantedBlock - BEHIND_BLOCKS || index > this.wantedBlock + 2 * AHEAD_BLOCKS) {
        this.blocks.delete(index);
      }
    }
  }

  /** The stream under way is elsewhere and will not come by soon: ask for this place instead. */
  private turnTo(offset: number): void {
    if (this.streamAt >= 0 && offset >= this.streamAt && offset - this.streamAt < 4 * BLOCK) return;
    if (this.streamAt < 0) return;
    this.isTurned = true;
    this.current?.abort();
  }

  /** First byte we lack from the wanted block on, then from the start; null when nothing is missing (now). */
  private firstMissing(from: number): number | null {
    if (Number.isNaN(this.total)) return 0;
    const count = Math.ceil(this.total / BLOCK);
    const last = this.isBig ? Math.min(count, this.wantedBlock + AHEAD_BLOCKS) : count;
    const missing = (index: number): number | null => {
      const filled = this.blocks.get(index)?.filled ?? 0;
      return filled < Math.min(BLOCK, this.total - index * BLOCK) ? index * BLOCK + filled : null;
    };
    for (let index = from; index < last; index++) {
      const found = missing(index);
      if (found !== null) return found;
    }
    for (let index = 0; index < from && !this.isBig; index++) {
      const found = missing(index);
      if (found !== null) return found;
    }
    return null;
  }

  private async fill(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted && !this.failure) {
      const from = this.firstMissing(this.wantedBlock);
      if (from === null && !this.isBig) return;
      if (from === null) {
        await pause(1000, signal);
        continue;
      }
      try {
        await this.stream(from);
      } catch (error) {
        if (!signal.aborted) await this.recover(error);
      }
    }
  }

  private async recover(error: unknown): Promise<void> {
    const isTurned = this.isTurned;
    this.isTurned = false;
    if (isTurned && !(error instanceof Problem)) return;
    if (error instanceof Problem && error.kind === 'missing') return this.fail(error);
    if (error instanceof Problem && error.kind === 'denied') await this.onDenied().catch(() => undefined);
    const wait = Math.max(this.backoff.nextMs(), error instanceof Problem ? error.retryAfterMs : 0);
    await pause(wait, this.stopping.signal);
  }

  private async stream(from: number): Promise<void> {
    const current = new AbortController();
    this.current = current;
    const stop = (): void => current.abort();
    this.stopping.signal.addEventListener('abort', stop);
    try {
      const response = await this.open(from, this.etag, current.signal);
      const start = await this.begin(response, from);
      await this.receive(response, start, current);
    } finally {
      this.streamAt = -1;
      this.stopping.signal.removeEventListener('abort', stop);
      current.abort();
    }
  }

  /** Looks at the answer's head; returns the offset its body starts at. */
  private async begin(response: Response, from: number): Promise<number> {
    if (response.status !== 206 && response.status !== 200) throw await problemOf(response);
    const range = /bytes (\d+)-\d+\/(\d+)/.exec(response.headers.get('content-range') ?? '');
    const start = range ? Number(range[1]) : 0;
    const total = range ? Number(range[2]) : Number(response.headers.get('content-length') ?? 'NaN');
    const etag = response.headers.get('etag') ?? '';
    const isOther = !Number.isNaN(this.total) && (total !== this.total || etag !== this.etag);
    if (isOther || (!range && from > 0)) this.blocks.clear();
    if (Number.isNaN(total)) throw new Problem('refused', 'The server did not say how long the file is.');
    this.total = total;
    this.etag = etag.startsWith('W/') ? '' : etag;
    this.notify();
    return start;
  }

  private async receive(response: Response, start: number, current: AbortController): Promise<void> {
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    let at = start;
    while (!current.signal.aborted) {
      this.streamAt = at;
      const watchdog = setTimeout(() => current.abort(), STALL_MS);
      const { done, value } = await reader.read().finally(() => clearTimeout(watchdog));
      if (done) break;
      this.put(at, value);
      at += value.length;
      this.backoff.reset();
      this.notify();
      const index = Math.floor(at / BLOCK);
      const isHeld = (this.blocks.get(index)?.filled ?? 0) > at - index * BLOCK;
      const isFarAhead = this.isBig && index > this.wantedBlock + AHEAD_BLOCKS;
      if (isHeld || isFarAhead) return void reader.cancel().catch(() => undefined);
    }
    if (at < this.total) throw new Problem('away', 'The connection broke.');
  }

  private put(offset: number, value: Uint8Array): void {
    for (let done = 0; done < value.length; ) {
      const at = offset + done;
      const index = Math.floor(at / BLOCK);
      const start = at - index * BLOCK;
      const block = this.blocks.get(index) ?? { bytes: new Uint8Array(BLOCK), filled: 0 };
      this.blocks.set(index, block);
      const part = value.subarray(done, done + BLOCK - start);
      block.bytes.set(part, start);
      if (start <= block.filled) block.filled = Math.max(block.filled, start + part.length);
      done += part.length;
    }
  }

  private fail(error: Error): void {
    this.failure = error;
    this.notify();
  }

  private notify(): void {
    const woken = this.waiters;
    this.waiters = [];
    for (const wake of woken) wake();
  }

  private async change(): Promise<void> {
    if (this.failure) throw this.failure;
    await new Promise<void>((resolve) => this.waiters.push(resolve));
    if (this.failure) throw this.failure;
  }
}
