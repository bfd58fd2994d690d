// SPDX-License-Identifier: GPL-3.0-or-later
// sink: Media Source Extensions, as thin as they allow: one SourceBuffer, one operation at a time.  Also Safari's
// ManagedMediaSource, which says when it wants data and may drop what it holds at any time.

interface ManagedSource extends MediaSource {
  readonly streaming?: boolean;
}
type SourceClass = { new (): ManagedSource; isTypeSupported(type: string): boolean };

function sourceClass(): SourceClass | null {
  const { ManagedMediaSource, MediaSource } = globalThis as { ManagedMediaSource?: SourceClass; MediaSource?: SourceClass };
  return ManagedMediaSource ?? MediaSource ?? null;
}

/** Safari has it under another name than everybody else (`fLaC`, `Opus`). */
export function playableType(type: string): string | null {
  const made = sourceClass();
  const names = [type, type.replace('"flac"', '"fLaC"').replace('"opus"', '"Opus"')];
  return names.find((name) => made?.isTypeSupported(name)) ?? null;
}

export const hasMediaSource = (): boolean => sourceClass() !== null;

export interface Window {
  offsetS: number; // where the track begins on the element's clock
  fromS: number; // nothing before this,
  toS: number; // nor behind this is heard
}

const FAR_S = 1_000_000;

/** No room: something must be removed first. */
export class Full extends Error {}

export class Sink {
  private readonly source: ManagedSource;
  private buffer: SourceBuffer | null = null;
  private type = '';
  private last: Promise<unknown> = Promise.resolve();
  private readonly address: string;

  constructor(audio: HTMLAudioElement) {
    const made = sourceClass();
    if (!made) throw new Error('This browser has no media source.');
    this.source = new made();
    this.address = URL.createObjectURL(this.source);
    audio.disableRemotePlayback = true; // ManagedMediaSource opens only then
    audio.src = this.address;
  }

  private opened(): Promise<void> {
    if (this.source.readyState !== 'closed') return Promise.resolve();
    return new Promise((resolve) => this.source.addEventListener('sourceopen', () => resolve(), { once: true }));
  }

  /** False: a managed source has enough for now. */
  get isHungry(): boolean {
    return this.source.streaming !== false;
  }

  get isOpen(): boolean {
    return this.source.readyState === 'open';
  }

  /** One after the other, in the order of the calls. */
  private queue<T>(work: () => Promise<T>): Promise<T> {
    const next = this.last.then(work);
    this.last = next.catch(() => undefined);
    return next;
  }

  /** Appends these pieces, which belong together.  Throws Full, or what the browser throws. */
  append(type: string, pieces: readonly Uint8Array<ArrayBuffer>[], { offsetS, fromS, toS }: Window): Promise<void> {
    return this.queue(async () => {
      await this.opened();
      this.reachFar();
      const buffer = this.bufferFor(playableType(type) ?? type);
      buffer.timestampOffset = offsetS;
      buffer.appendWindowStart = 0; // start < end must hold at every step
      buffer.appendWindowEnd = toS;
      buffer.appendWindowStart = fromS;
      for (const piece of pieces) await this.one(buffer, () => buffer.appendBuffer(piece));
      this.reachFar();
    });
  }

  /** An element seeks only within the duration, or, when there is none, only in what it holds. */
  private reachFar(): void {
    if (this.source.readyState === 'open' && this.source.duration !== FAR_S) this.source.duration = FAR_S;
  }

  remove(fromS: number, toS: number): Promise<void> {
    return this.queue(async () => {
      const { buffer } = this;
      if (buffer && this.source.readyState !== 'closed') await this.one(buffer, () => buffer.remove(fromS, toS));
    });
  }

  /** Nothing follows (for now): the element ends when what it holds is played.  Another append() undoes it. */
  end(): Promise<void> {
    return this.queue(async () => {
      if (this.buffer && this.source.readyState === 'open') this.source.endOfStream();
    });
  }

  /** What the element holds, as pairs of seconds. */
  get held(): [number, number][] {
    if (!this.buffer || this.source.readyState === 'closed') return [];
    const { buffered } = this.buffer;
    return Array.from({ length: buffered.length }, (_, i) => [buffered.start(i), buffered.end(i)]);
  }

  close(): void {
    URL.revokeObjectURL(this.address);
    this.buffer = null;
  }

  private bufferFor(type: string): SourceBuffer {
    if (!this.buffer) this.buffer = this.source.addSourceBuffer(type);
    else if (type !== this.type) this.buffer.changeType(type);
    this.type = type;
    return this.buffer;
  }

  private one(buffer: SourceBuffer, work: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: Error): void => {
        buffer.removeEventListener('updateend', done);
        buffer.removeEventListener('error', failed);
        if (error) reject(error);
        else resolve();
      };
      const done = (): void => settle();
      const failed = (): void => settle(new Error('The browser could not take a piece of the track.'));
      buffer.addEventListener('updateend', done);
      buffer.addEventListener('error', failed);
      try {
        work();
      } catch (error) {
        const isFull = error instanceof DOMException && error.name === 'QuotaExceededError';
        settle(isFull ? new Full() : error instanceof Error ? error : new Error(String(error)));
      }
    });
  }
}
