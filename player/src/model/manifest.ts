// SPDX-License-Identifier: GPL-3.0-or-later
// manifest: how a track is cut into pieces (docs/formats/manifest.md 1.x), read strictly: what does not fit is refused
// whole.  Decode time counts from the encoder's first sample, presentation time (seconds here) from the track's.

export interface Part {
  bytes: number;
  sha256: string; // base64url without padding
}

export interface Segment extends Part {
  at: number; // decode time
  duration: number;
  lead: Part | null; // packets for a decoder that begins here
}

export interface Rendition {
  name: string;
  generation: string;
  isComplete: boolean;
  type: string; // for isTypeSupported
  rate: number; // also the timescale
  bandwidth: number; // bit/s
  length: number | null; // samples after both trims
  trimStart: number;
  preroll: number;
  firstDuration: number;
  segmentDuration: number;
  init: Part | null;
  segments: Segment[];
}

export interface Manifest {
  track: string;
  isProvisional: boolean;
  lengthS: number; // of the source; an estimate unless isExact
  isExact: boolean;
  renditions: Rendition[];
}

export class BadManifest extends Error {}

const MOST_BYTES = 16 * 1024 * 1024; // of one piece
const MOST_RENDITIONS = 16;
const MOST_SEGMENTS = 100_000;

type Json = Record<string, unknown>;

function bad(what: string): never {
  throw new BadManifest(`The manifest's ${what} is wrong.`);
}
const object = (value: unknown, what: string): Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : bad(what);
const list = (value: unknown, most: number, what: string): unknown[] =>
  Array.isArray(value) && value.length <= most ? (value as unknown[]) : bad(what);
const words = (value: unknown, shape: RegExp, what: string): string =>
  typeof value === 'string' && shape.test(value) ? value : bad(what);
const whole = (value: unknown, least: number, most: number, what: string): number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most ? value : bad(what);
const orNull = <T>(value: unknown, read: (value: unknown) => T): T | null =>
  value === null || value === undefined ? null : read(value);

function readPart(value: unknown): Part {
  const part = object(value, 'part');
  return {
    bytes: whole(part.bytes, 1, MOST_BYTES, 'size'),
    sha256: words(part.sha256, /^[\w-]{43}$/, 'digest'),
  };
}

function readSegments(value: unknown, first: number, other: number): Segment[] {
  let at = 0;
  return list(value, MOST_SEGMENTS, 'list of segments').map((one, i, all) => {
    const found = object(one, 'segment');
    const full = i === 0 ? first : other;
    const isLast = i === all.length - 1;
    const duration = whole(found.duration, isLast ? 1 : full, full, 'duration');
    if (found.at !== at) bad('order of segments');
    at += duration;
    return { ...readPart(found), at: at - duration, duration, lead: orNull(found.lead, readPart) };
  });
}

function readRendition(value: unknown): Rendition {
  const found = object(value, 'rendition');
  const trim = object(found.trim, 'trim');
  const state = words(found.state, /^(planned|encoding|complete)$/, 'state');
  const isComplete = state === 'complete';
  const segmentDuration = whole(found.segmentDuration, 1, 2 ** 32, 'segment duration');
  const firstDuration = whole(found.firstDuration, 1, 2 ** 32, 'first duration');
  const length = orNull(found.length, (count) => whole(count, 0, 2 ** 48, 'length'));
  const init = orNull(found.init, readPart);
  if (isComplete && (length === null || !init)) bad('state');
  return {
    name: words(found.name, /^[a-z0-9-]{1,32}$/, 'name'),
    generation: words(found.generation, /^[0-9a-f]{1,32}$/, 'generation'),
    isComplete,
    type: `${words(found.mime, /^[a-z]+\/[\w.+-]+$/, 'type')}; codecs="${words(found.codec, /^[\w.-]{1,32}$/, 'codec')}"`,
    rate: whole(found.rate, 1, 1_000_000, 'rate'),
    bandwidth: whole(found.bandwidth, 1, 2 ** 32, 'bandwidth'),
    length,
    trimStart: whole(trim.start, 0, firstDuration, 'trim'),
    preroll: whole(found.preroll ?? 0, 0, 2 ** 24, 'preroll'),
    firstDuration,
    segmentDuration,
    init,
    segments: readSegments(found.segments, firstDuration, segmentDuration),
  };
}

/** Throws BadManifest.  `track`: whose it must be. */
export function readManifest(body: unknown, track: string): Manifest {
  const found = object(body, 'body');
  words(found.format, /^manifest 1\.\d+$/, 'format');
  if (found.track !== track) bad('track');
  const source = object(found.source, 'source');
  const rate = whole(source.rate, 1, 10_000_000, 'rate');
  return {
    track,
    isProvisional: found.isProvisional === true,
    lengthS: whole(source.length, 0, 2 ** 48, 'length') / rate,
    isExact: source.isExact === true,
    renditions: list(found.renditions, MOST_RENDITIONS, 'list of renditions').map(readRendition),
  };
}

/** The segment that sounds at this second of the track (it may not be listed yet, or lie behind the end). */
export function segmentAt(rendition: Rendition, seconds: number): number {
  const decode = Math.floor(seconds * rendition.rate + rendition.trimStart + 0.5);
  if (decode < rendition.firstDuration) return 0;
  return 1 + Math.floor((decode - rendition.firstDuration) / rendition.segmentDuration);
}

/** Where segment n begins, in seconds of the track. */
export function beginsAt(rendition: Rendition, n: number): number {
  if (n === 0) return 0;
  const decode = rendition.firstDuration + (n - 1) * rendition.segmentDuration;
  return (decode - rendition.trimStart) / rendition.rate;
}

/** How long the track is, exactly, once this rendition knows; null before. */
export function exactLengthS(rendition: Rendition): number | null {
  return rendition.length === null ? null : rendition.length / rendition.rate;
}
