// SPDX-License-Identifier: GPL-3.0-or-later
// objects: everything the player reads.  Besides journal.ts (writes) the only module that may call fetch; `npm run lint`
// holds us to it, because reads will soon come from this device first.
import { Backoff, pause } from './backoff';
import { carried } from './late';
import { DOUBT_MS, hasMovedSince, heard, look, missed, setProbe } from './link';
import { addressAt, candidates, isLeft, leave, node } from './nodes';
import { Problem, problemOf } from './problem';
import { currentGrant, renew, token } from './session';

const send = (url: string, options: RequestInit): Promise<Response> => carried(url, options) ?? fetch(url, options);

const READ_TIMEOUT_MS = 10_000;
const SILENCE_MS = 60_000; // events: the server pings every 25 s

let isRunningOut = (): boolean => false;

/** Told by whoever plays: little of what sounds is held. */
export const setRunningOut = (tell: () => boolean): void => void (isRunningOut = tell);

/** Nothing has come for a while: does the node live?  One that lives and gives nothing while the music runs out is left. */
export async function doubt(askedAt: number): Promise<boolean> {
  if (isRunningOut()) leave();
  await look();
  return hasMovedSince(askedAt);
}

/** fetch from the node in use, and from the one that takes its place meanwhile; reports to the link and throws
 *  Problem('away') when there was no answer. */
async function ask(path: string, options: RequestInit, timeoutMs: number): Promise<Response> {
  for (;;) {
    const askedAt = performance.now();
    try {
      return await askOnce(path, options, timeoutMs, askedAt);
    } catch (error) {
      if (options.signal?.aborted || !hasMovedSince(askedAt)) throw error;
    }
  }
}

async function askOnce(path: string, options: RequestInit, timeoutMs: number, askedAt: number): Promise<Response> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), timeoutMs);
  const doubts = setInterval(() => void doubt(askedAt).then((hasMoved) => hasMoved && limit.abort()), DOUBT_MS);
  const outer = options.signal;
  const forward = (): void => limit.abort();
  outer?.addEventListener('abort', forward);
  try {
    const response = await send(node.peek() + path, { ...options, signal: limit.signal });
    if (response.status === 502 || response.status === 504) missed();
    else heard();
    return response; // and whoever asked may still give up its body
  } catch (error) {
    outer?.removeEventListener('abort', forward);
    if (outer?.aborted) throw error;
    if (!hasMovedSince(askedAt)) missed();
    throw new Problem('away', 'The server does not answer. What is here keeps playing; this comes back by itself.');
  } finally {
    clearTimeout(timer);
    clearInterval(doubts);
  }
}

const HEAD_START_MS = 400;
const LAST_MS = 1500;

/** The node in use when it answers soon, else the first of the others that does; the service moves there. */
setProbe(async () => {
  const all = candidates();
  const tries = all.map(async (url, i) => {
    if (i > 0) await pause(isLeft(url) ? LAST_MS : HEAD_START_MS);
    const { ok } = await send(`${url}/livez`, { cache: 'no-store', signal: AbortSignal.timeout(4000) });
    if (!ok) throw new Problem('away', '');
    return url;
  });
  try {
    const found = await Promise.any(tries);
    const hasMoved = found !== node.peek();
    node.value = found;
    return hasMoved ? 'moved' : 'same';
  } catch {
    return 'none';
  }
});

/** The node asked us to go, or is too slow: to another, when there is one. */
export function move(): void {
  if (leave()) void look();
}

/** GET with the session's authority; a token that died early is renewed once. */
async function read(address: string, signal?: AbortSignal): Promise<Response> {
  for (let attempt = 0; ; attempt++) {
    const headers = { authorization: `Bearer ${await token()}`, accept: 'application/json' };
    const response = await ask(address, { headers, ...(signal && { signal }) }, READ_TIMEOUT_MS);
    if (response.ok) return response;
    if (response.status !== 401 || attempt > 0) throw await problemOf(response);
    await renew();
  }
}

export type Parameters = Record<string, string | number | boolean | undefined | readonly string[]>;

function query(parameters: Parameters): string {
  const search = new URLSearchParams({ f: 'json', v: '1.16.1', c: 'sostenuto' });
  for (const [name, value] of Object.entries(parameters)) {
    if (value === undefined) continue;
    if (typeof value === 'object') for (const one of value) search.append(name, one);
    else search.append(name, String(value));
  }
  return search.toString();
}

interface Envelope {
  'subsonic-response': { status: string; error?: { code: number; message?: string } } & Record<string, unknown>;
}

function problemOfCode(code: number, message: string): Problem {
  if (code === 70) return new Problem('missing', message || 'There is no such thing in the library.', 404);
  if (code >= 40 && code <= 50) return new Problem('denied', message || 'You may not do that.', 403);
  return new Problem('refused', message || 'The server refused.', 400);
}

/** One OpenSubsonic read: `rest<Albums>('getAlbumList2', 'albumList2', {type: 'newest'})`. */
export async function rest<T>(name: string, field: string, parameters: Parameters, signal?: AbortSignal): Promise<T> {
  const response = await read(`/rest/${name}?${query(parameters)}`, signal);
  const answer = ((await response.json()) as Envelope)['subsonic-response'];
  if (answer.status !== 'ok') throw problemOfCode(answer.error?.code ?? 0, answer.error?.message ?? '');
  return (answer[field] ?? {}) as T;
}

/** One read of the player's own API. */
export async function api<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await read(path, signal)).json()) as T;
}

export interface Status {
  name: string;
  version: string;
  needsSetup: boolean;
  scanning?: { running: boolean; phase: string; seen: number; total: number };
}

/** Open to everybody. */
export async function status(): Promise<Status> {
  const response = await ask('/api/v1/status', { headers: { accept: 'application/json' } }, READ_TIMEOUT_MS);
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as Status;
}

export interface NodeStatus {
  role: string;
  link: string;
  age?: number; // seconds
  draining?: boolean;
}

/** What the node in use says of itself; null when it does not answer, or has nothing to say. */
export async function nodeStatus(): Promise<NodeStatus | null> {
  try {
    return (await (await ask('/status', { cache: 'no-store' }, READ_TIMEOUT_MS)).json()) as NodeStatus;
  } catch {
    return null;
  }
}

// --- addresses that carry a grant ---

export const ART_SIZES = [64, 128, 300, 600, 1200] as const;
export type ArtSize = (typeof ART_SIZES)[number];

export function artAddress(id: string, size: ArtSize): string {
  return addressAt(`/art/${encodeURIComponent(id)}/${size}.webp?g=${encodeURIComponent(currentGrant())}`);
}

const originalPath = (trackId: string): string => `/m/${encodeURIComponent(trackId)}/original?g=${encodeURIComponent(currentGrant())}`;

export const originalAddress = (trackId: string): string => addressAt(originalPath(trackId));

/** What the browser cannot decode, in a form that it can: Opus, or MP3 where Opus is not played. */
export async function transcoded(trackId: string): Promise<Uint8Array<ArrayBuffer>> {
  const format = new Audio().canPlayType('audio/ogg; codecs=opus') ? 'opus' : 'mp3';
  const backoff = new Backoff(500, 10_000);
  for (;;) {
    try {
      return await transcode(`/rest/stream?${query({ id: trackId, format })}`);
    } catch (error) {
      const isPassing = error instanceof Problem && (error.kind === 'away' || error.kind === 'busy');
      if (!isPassing) throw error;
      await pause(Math.max(backoff.nextMs(), error.retryAfterMs));
    }
  }
}

async function transcode(address: string): Promise<Uint8Array<ArrayBuffer>> {
  const headers = { authorization: `Bearer ${await token()}` };
  const response = await ask(address, { headers }, 120_000);
  if (!response.ok) throw await problemOf(response);
  if ((response.headers.get('content-type') ?? '').includes('json')) {
    const answer = ((await response.json()) as Envelope)['subsonic-response'];
    throw problemOfCode(answer.error?.code ?? 0, answer.error?.message ?? '');
  }
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch {
    throw new Problem('away', 'The connection broke.');
  }
}

/** Whether, and how, the server answers for a track's own file. */
export function probeOriginal(trackId: string, signal: AbortSignal): Promise<Response> {
  return ask(originalPath(trackId), { headers: { range: 'bytes=0-0' }, signal, cache: 'no-store' }, 15_000);
}

/** A signed object, or a piece of one (`/m/{track}/…`), from whichever node has it.  `isFresh`: not from the browser's cache. */
export function openObject(path: string, signal: AbortSignal, isFresh = false): Promise<Response> {
  const grant = path.startsWith('/m/') ? `?g=${encodeURIComponent(currentGrant())}` : '';
  return ask(path + grant, { signal, cache: isFresh ? 'reload' : 'default' }, READ_TIMEOUT_MS);
}

// --- events ---

export interface ServerEvent {
  event: string;
  data: string;
}

/** Splits a stream of server-sent events (WHATWG HTML 9.2) into events; keeps what is unfinished in `rest`. */
export function splitEvents(text: string): { events: ServerEvent[]; rest: string } {
  const parts = text.replace(/\r\n?/g, '\n').split('\n\n');
  const rest = parts.pop() ?? '';
  const events: ServerEvent[] = [];
  for (const part of parts) {
    const found: ServerEvent = { event: 'message', data: '' };
    for (const line of part.split('\n')) {
      if (line.startsWith('event:')) found.event = line.slice(6).trim();
      else if (line.startsWith('data:')) found.data += (found.data ? '\n' : '') + line.slice(5).replace(/^ /, '');
    }
    if (found.data || found.event !== 'message') events.push(found);
  }
  return { events, rest };
}

/** Follows the server's events until the stream ends (then the link knows first) or `signal` fires. */
export async function follow(onEvent: (event: ServerEvent) => void, signal: AbortSignal): Promise<void> {
  const headers = { authorization: `Bearer ${await token()}`, accept: 'text/event-stream' };
  const response = await ask('/api/v1/events', { headers, signal, cache: 'no-store' }, 15_000);
  if (response.status === 401) await renew(); // ended from elsewhere: then this shows the door
  if (!response.ok || !response.body) throw await problemOf(response);
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let watchdog: ReturnType<typeof setTimeout> | undefined;
  try {
    for (;;) {
      watchdog = setTimeout(() => void reader.cancel().catch(() => undefined), SILENCE_MS);
      const { done, value } = await reader.read();
      clearTimeout(watchdog);
      if (done) break;
      const { events, rest } = splitEvents(text + decoder.decode(value, { stream: true }));
      text = rest.slice(-65536);
      for (const event of events) onEvent(event);
    }
  } finally {
    if (!signal.aborted) missed();
  }
}
