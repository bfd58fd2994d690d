// SPDX-License-Identifier: GPL-3.0-or-later
// supply: the pieces of one track, from the network, each verified against the manifest before anybody hears it.
//
// Fetching never gives up because of the network; it ends when the signal fires.  A piece with a wrong digest is fetched
// once more past every cache; wrong again means Spoiled: take another rendition.
import { Backoff, pause } from '../data/backoff';
import { DOUBT_MS } from '../data/link';
import { Problem, problemOf } from '../data/problem';
import { beginsAt, exactLengthS, segmentAt, type Manifest, type Part, type Rendition, type Segment } from '../model/manifest';

/** What supply needs from outside; tests give their own. */
export interface Net {
  manifest(track: string, signal: AbortSignal, isAgain: boolean): Promise<Manifest>;
  open(path: string, signal: AbortSignal, isFresh: boolean): Promise<Response>;
  digest(data: Uint8Array<ArrayBuffer>): Promise<string>;
  renewGrant(): Promise<void>;
  onSlow?(): void;
  onSilence?(askedAt: number): Promise<boolean>; // true: ask again, another node answers now
}

export interface Piece {
  id: string; // rendition and generation: what one decoder can go on with
  type: string;
  init: Uint8Array<ArrayBuffer>;
  lead: Uint8Array<ArrayBuffer> | null;
  data: Uint8Array<ArrayBuffer>;
  fromS: number; // of the track
  toS: number;
}

/** Told while a segment arrives, and at its end; true leaves it. */
export type Watch = (received: number, total: number, tookS: number, isDone: boolean) => boolean;

/** Wrong bytes twice, or gone for good: this rendition is of no use now. */
export class Spoiled extends Error {}
export class Abandoned extends Error {}

export const idOf = ({ name, generation }: Rendition): string => `${name}.${generation}`;

const SILENCE_MS = 10_000;
const NEAR_END_S = 0.5; // an estimate may be wrong by this
const MOST_READS = 4; // of the manifest for one piece

export class Supply {
  manifest: Manifest | null = null;
  private readonly givenUp = new Set<string>();
  private readonly inits = new Map<string, Uint8Array<ArrayBuffer>>();
  private readonly backoff = new Backoff(300, 8000);

  constructor(
    readonly track: string,
    private readonly net: Net,
    private readonly canPlay: (type: string) => boolean,
  ) {}

  async open(signal: AbortSignal): Promise<void> {
    this.manifest ??= await this.persist(() => this.net.manifest(this.track, signal, false), signal);
  }

  /** What can be played, by bandwidth.  AAC and FLAC share their boundaries; Opus is for browsers without AAC. */
  get ladder(): Rendition[] {
    const all = (this.manifest?.renditions ?? []).filter(({ name, type }) => !this.givenUp.has(name) && this.canPlay(type));
    const hasAac = all.some(({ name }) => name.startsWith('aac'));
    return all.filter(({ name }) => !hasAac || !name.startsWith('opus')).sort((a, b) => a.bandwidth - b.bandwidth);
  }

  giveUp(name: string): void {
    this.givenUp.add(name);
  }

  /** Seconds; exact once any rendition is known to its end. */
  get length(): { seconds: number; isExact: boolean } {
    const { renditions = [], lengthS = 0, isExact = false } = this.manifest ?? {};
    if (isExact) return { seconds: lengthS, isExact };
    const known = renditions.map(exactLengthS).find((seconds) => seconds !== null);
    return known === undefined || known === null ? { seconds: lengthS, isExact: false } : { seconds: known, isExact: true };
  }

  /** The segment that sounds at `atS`; null behind the end. */
  async piece(name: string, atS: number, needsLead: boolean, signal: AbortSignal, watch: Watch): Promise<Piece | null> {
    for (let reads = 0; reads < MOST_READS; reads++) {
      const rendition = this.find(name);
      const n = segmentAt(rendition, atS);
      if (rendition.isComplete && n >= rendition.segments.length) return null;
      const wantsLead = needsLead && n > 0 && rendition.preroll > 0;
      const files = await this.fetchAll(rendition, n, wantsLead, signal, watch);
      if (files && rendition.segments[n]) return this.made(await this.ended(rendition, n, signal), n, files);
      await this.readAgain(signal);
      const now = this.find(name);
      const listed = now.segments[n];
      if (files && listed && now.generation === rendition.generation) {
        if (await this.isWhole(now, listed, files)) return this.made(await this.ended(now, n, signal), n, files);
      }
    }
    throw new Spoiled(`${name} cannot be had.`);
  }

  private find(name: string): Rendition {
    const found = this.manifest?.renditions.find((one) => one.name === name);
    if (!found) throw new Spoiled(`${name} is gone.`);
    return found;
  }

  /** What may be the last segment is cut where the track ends: wait until the encoder has said where that is. */
  private async ended(rendition: Rendition, n: number, signal: AbortSignal): Promise<Rendition> {
    let now = rendition;
    for (let reads = 0; reads < MOST_READS && !this.length.isExact && this.mayBeLast(now, n); reads++) {
      await pause(150 * reads, signal);
      await this.readAgain(signal);
      now = this.find(rendition.name);
      if (now.generation !== rendition.generation) throw new Spoiled(`${rendition.name} was lost meanwhile.`);
    }
    return now;
  }

  private mayBeLast(rendition: Rendition, n: number): boolean {
    const { at, duration } = rendition.segments[n] as Segment;
    const isShort = duration < (n === 0 ? rendition.firstDuration : rendition.segmentDuration);
    const endS = (at + duration - rendition.trimStart) / rendition.rate;
    return n === rendition.segments.length - 1 && (isShort || endS > this.length.seconds - NEAR_END_S);
  }

  private made(rendition: Rendition, n: number, files: Files): Piece {
    const listed = rendition.segments[n] as Segment;
    const end = (listed.at + listed.duration - rendition.trimStart) / rendition.rate;
    const id = idOf(rendition);
    if (this.inits.size > 8) this.inits.clear();
    this.inits.set(id, files.init);
    const { length } = this;
    return {
      id, type: rendition.type, ...files,
      fromS: beginsAt(rendition, n),
      toS: length.isExact ? Math.min(end, length.seconds) : end,
    };
  }

  /** Null when the server has no such object (any more). */
  private async fetchAll(rendition: Rendition, n: number, wantsLead: boolean, signal: AbortSignal, watch: Watch): Promise<Files | null> {
    const folder = `/m/${this.track}/${idOf(rendition)}/`;
    const listed = rendition.segments[n];
    const init = this.inits.get(idOf(rendition));
    const stopping = new AbortController();
    const stop = (): void => stopping.abort();
    signal.addEventListener('abort', stop);
    try {
      const [head, lead, data] = await Promise.all([
        init ?? this.bytes(`${folder}init.mp4`, rendition.init, stopping.signal),
        wantsLead ? this.bytes(`${folder}${n}.lead.m4s`, listed?.lead ?? null, stopping.signal) : null,
        this.bytes(`${folder}${n}.m4s`, listed ?? null, stopping.signal, watch),
      ]);
      return { init: head, lead, data };
    } catch (error) {
      if (error instanceof Problem && error.kind === 'missing') return null;
      throw error;
    } finally {
      stop();
      signal.removeEventListener('abort', stop);
    }
  }

  private async isWhole(rendition: Rendition, listed: Segment, files: Files): Promise<boolean> {
    const fits = async (part: Part | null, data: Uint8Array<ArrayBuffer>): Promise<boolean> =>
      part !== null && part.bytes === data.length && part.sha256 === (await this.net.digest(data));
    const all = [fits(rendition.init, files.init), fits(listed, files.data), files.lead ? fits(listed.lead, files.lead) : true];
    return (await Promise.all(all)).every(Boolean);
  }

  private async readAgain(signal: AbortSignal): Promise<void> {
    this.manifest = await this.persist(() => this.net.manifest(this.track, signal, true), signal);
  }

  /** One object.  Without `part` (not listed yet) it is checked later. */
  private async bytes(path: string, part: Part | null, signal: AbortSignal, watch?: Watch): Promise<Uint8Array<ArrayBuffer>> {
    for (let wrong = 0; ; wrong++) {
      const data = await this.persist(() => this.download(path, part, wrong > 0, signal, watch), signal, watch !== undefined);
      if (!part || (data.length === part.bytes && (await this.net.digest(data)) === part.sha256)) return data;
      if (wrong > 0) throw new Spoiled(`${path} is not what the manifest says.`);
    }
  }

  private async download(path: string, part: Part | null, isFresh: boolean, signal: AbortSignal, watch?: Watch): Promise<Uint8Array<ArrayBuffer>> {
    const limit = new AbortController();
    const stop = (): void => limit.abort();
    signal.addEventListener('abort', stop);
    const askedAt = performance.now();
    let doubts: ReturnType<typeof setInterval> | undefined;
    try {
      const response = await this.net.open(path, limit.signal, isFresh);
      if (!response.ok || !response.body) throw await problemOf(response);
      let heardAt = performance.now();
      const began = part ? askedAt : heardAt; // it may have waited for the encoder
      doubts = setInterval(() => {
        if (performance.now() - heardAt < DOUBT_MS) return;
        void this.net.onSilence?.(askedAt).then((hasMoved) => hasMoved && limit.abort());
      }, DOUBT_MS / 2);
      const total = part?.bytes ?? Number(response.headers.get('content-length') ?? 0);
      return await receive(response.body, total, limit, (received, isDone) => {
        heardAt = performance.now();
        return watch?.(received, total, (heardAt - began) / 1000, isDone) ?? false;
      });
    } finally {
      clearInterval(doubts);
      stop();
      signal.removeEventListener('abort', stop);
    }
  }

  /** Tries until it works, is refused for good, or nobody wants it any more.  `mayChange`: after each failure whoever asked
   *  may want something smaller (Abandoned). */
  private async persist<T>(work: () => Promise<T>, signal: AbortSignal, mayChange = false): Promise<T> {
    for (let denials = 0; ; ) {
      try {
        const done = await work();
        this.backoff.reset();
        return done;
      } catch (error) {
        if (signal.aborted || !(error instanceof Problem)) throw error;
        if (error.kind === 'missing' || error.kind === 'refused') throw error;
        if (error.kind === 'denied') {
          if (++denials > 3) throw error;
          await this.net.renewGrant().catch(() => undefined);
        }
        await pause(Math.max(this.backoff.nextMs(), error.retryAfterMs), signal);
        if (signal.aborted) throw error;
        if (mayChange) throw new Abandoned();
      }
    }
  }
}

interface Files {
  init: Uint8Array<ArrayBuffer>;
  lead: Uint8Array<ArrayBuffer> | null;
  data: Uint8Array<ArrayBuffer>;
}

/** The whole body; throws Abandoned when `watch` says so, Problem('away') when the line breaks or is silent. */
async function receive(
  body: ReadableStream<Uint8Array>,
  total: number,
  limit: AbortController,
  watch: (received: number, isDone: boolean) => boolean,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  const parts: Uint8Array[] = [];
  let received = 0;
  for (;;) {
    const silence = setTimeout(() => limit.abort(), SILENCE_MS);
    const { done, value } = await reader.read().finally(() => clearTimeout(silence)).catch(() => {
      throw new Problem('away', 'The connection broke.');
    });
    if (done) break;
    parts.push(value);
    received += value.length;
    if (received < total && watch(received, false)) {
      reader.cancel().catch(() => undefined);
      throw new Abandoned();
    }
  }
  if (received < total) throw new Problem('away', 'The connection broke.');
  watch(received, true);
  const data = new Uint8Array(received);
  parts.reduce((at, part) => (data.set(part, at), at + part.length), 0);
  return data;
}
