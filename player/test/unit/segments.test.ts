// SPDX-License-Identifier: GPL-3.0-or-later
// Manifests, signed objects, what is held, and the supply of pieces from a network that lies and breaks.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import test from 'node:test';
import { Holdings, type Span } from '../../src/audio/holdings';
import { Abandoned, Spoiled, Supply, type Net } from '../../src/audio/supply';
import { Problem } from '../../src/data/problem';
import { BadManifest, beginsAt, readManifest, segmentAt } from '../../src/model/manifest';
import { sha256 } from '../../src/model/sha256';
import { BadObject, takeApart } from '../../src/model/signed';

const hash = (data: Uint8Array): string => createHash('sha256').update(data).digest('base64url');

test('our SHA-256 is the standard one, at every length around a block', () => {
  for (const length of [0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 128, 1000, 70_001]) {
    const data = new Uint8Array(randomBytes(length));
    assert.equal(Buffer.from(sha256(data)).toString('base64url'), hash(data), String(length));
  }
});

const HEAD = `sostenuto-signed: 1\nname: /keys\nversion: 3.1041\nissued: 1\nexpires: 2\ndigest: sha-256=:${'A'.repeat(43)}=:\nkey: ${'k'.repeat(11)}\n`;
const object = (head: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(`${head}signature: ${'s'.repeat(86)}\n\n{}`);

test('a signed object is taken apart exactly', () => {
  const found = takeApart(object(HEAD));
  assert.deepEqual([found.name, found.epoch, found.number, found.key], ['/keys', 3n, 1041n, 'kkkkkkkkkkk']);
  assert.equal(new TextDecoder().decode(found.message), `sostenuto object 1\0${HEAD}`);
  assert.equal(new TextDecoder().decode(found.body), '{}');
});

test('a preamble that is nearly right is refused', () => {
  const wrong = [HEAD.replace('1041', '01041'), HEAD.replace(': 1\n', ':1\n'), HEAD.replace('name', 'Name'), `${HEAD}more: 1\n`, HEAD.replace('\n', '\r\n'), ''];
  for (const head of wrong) assert.throws(() => takeApart(object(head)), BadObject, head);
  assert.throws(() => takeApart(object(HEAD).slice(0, 100)), BadObject);
});

// --- a track of 10 s at 1,000 Hz in segments of 4 s, 100 samples of delay ---

const PARTS = [1, 2, 3].map((n) => new Uint8Array(1000).fill(n));
const INIT = new Uint8Array(50).fill(9);
const LEADS = [1, 2].map((n) => new Uint8Array(20).fill(n));
const part = (data: Uint8Array): object => ({ bytes: data.length, sha256: hash(data) });

function body(state = 'complete', listed = 3, generation = 'abcd'): Record<string, unknown> {
  const durations = [4100, 4000, 2000];
  let at = 0;
  const segments = durations.slice(0, listed).map((duration, n) => {
    at += duration;
    return { at: at - duration, duration, ...part(PARTS[n] as Uint8Array), lead: n > 0 ? part(LEADS[n - 1] as Uint8Array) : null };
  });
  const isDone = state === 'complete';
  return {
    format: 'manifest 1.0', track: 'tr-1', isProvisional: !isDone, source: { rate: 1000, length: 9990, isExact: isDone },
    renditions: [{ name: 'aac-64', generation, state, mime: 'audio/mp4', codec: 'mp4a.40.2', rate: 1000, channels: 2, bandwidth: 64000,
                   length: isDone ? 9990 : null, trim: { start: 100, end: isDone ? 10 : null }, preroll: 100, firstDuration: 4100, segmentDuration: 4000,
                   init: listed > 0 ? part(INIT) : null, segments }],
  };
}

test('a manifest says which segment sounds when', () => {
  const [rendition] = readManifest(body(), 'tr-1').renditions;
  assert.ok(rendition);
  assert.deepEqual([0, 3.999, 4, 7.999, 8, 9.9].map((s) => segmentAt(rendition, s)), [0, 0, 1, 1, 2, 2]);
  assert.deepEqual([0, 1, 2].map((n) => beginsAt(rendition, n)), [0, 4, 8]);
});

test('a manifest with a hole, a foreign track, a wild number or no length is refused whole', () => {
  const change = (edit: (rendition: Record<string, unknown>, all: Record<string, unknown>) => void): unknown => {
    const all = body();
    edit((all.renditions as Record<string, unknown>[])[0] as Record<string, unknown>, all);
    return all;
  };
  const segments = (one: Record<string, unknown>): Record<string, unknown>[] => one.segments as Record<string, unknown>[];
  const wrong = [
    change((_, all) => (all.track = 'tr-2')),
    change((_, all) => (all.format = 'manifest 2.0')),
    change((one) => ((segments(one)[1] as Record<string, unknown>).at = 4200)),
    change((one) => ((segments(one)[1] as Record<string, unknown>).duration = 3000)),
    change((one) => ((segments(one)[0] as Record<string, unknown>).bytes = 1e12)),
    change((one) => ((segments(one)[0] as Record<string, unknown>).sha256 = 'short')),
    change((one) => (one.rate = 0)),
    change((one) => (one.length = null)),
    change((one) => (one.generation = '../../x')),
    change((one) => (one.codec = 'x"; evil')),
    change((one) => (one.segmentDuration = -1)),
    null, [], 'text', 7,
  ];
  wrong.forEach((one, i) => assert.throws(() => readManifest(one, 'tr-1'), BadManifest, String(i)));
});

// --- what is held ---

const span = (fromS: number, toS: number, rung = 0, isIn = false): Span =>
  ({ fromS, toS, rung, id: 'x', trackStartS: 0, piece: isIn ? null : ({ data: new Uint8Array(10) } as unknown as Span['piece']) });

test('what is held is counted from where one listens to the first hole', () => {
  const held = new Holdings();
  held.put(span(0, 4));
  held.put(span(8, 12));
  assert.equal(held.gapAfter(1), 4);
  held.put(span(4.001, 8));
  assert.equal(held.gapAfter(1), 12);
  assert.equal(held.gapAfter(20), 20);
});

test('better pieces replace lesser ones, in part where boundaries differ', () => {
  const held = new Holdings();
  [0, 4, 8].forEach((at) => held.put(span(at, at + 4, 0, true)));
  assert.equal(held.lesserAfter(2, () => 1)?.fromS, 4);
  held.put(span(4, 8, 1));
  assert.equal(held.lesserAfter(2, () => 1)?.fromS, 8);
  held.put(span(9, 13, 1));
  assert.deepEqual(held.all.map(({ fromS, toS, rung }) => [fromS, toS, rung]), [[0, 4, 0], [4, 8, 1], [8, 9, 0], [9, 13, 1]]);
  assert.equal(held.nextPiece(0, 30)?.fromS, 4);
});

test('what the element dropped is not held any more', () => {
  const held = new Holdings();
  held.put(span(0, 4, 0, true));
  held.put(span(4, 8, 0, true));
  held.put(span(8, 12));
  held.reconcile([[4, 8]]);
  assert.equal(held.gapAfter(0), 0);
  assert.equal(held.gapAfter(5), 12);
});

// --- supply ---

interface World {
  asked: string[];
  manifests: unknown[]; // in the order they are given; the last one stays
  answer(path: string, times: number): Uint8Array | number | 'broken';
}

function supplyOf(world: World): Supply {
  const times = new Map<string, number>();
  const net: Net = {
    manifest: () => Promise.resolve(readManifest(world.manifests.length > 1 ? world.manifests.shift() : world.manifests[0], 'tr-1')),
    open: (path) => {
      const count = (times.get(path) ?? 0) + 1;
      times.set(path, count);
      world.asked.push(path.split('/').at(-1) ?? '');
      const found = world.answer(path, count);
      if (found === 'broken') return Promise.reject(new Problem('away', 'gone'));
      if (typeof found === 'number') return Promise.resolve(new Response(null, { status: found }));
      return Promise.resolve(new Response(new Uint8Array(found), { headers: { 'content-length': String(found.length) } }));
    },
    digest: (data) => Promise.resolve(hash(data)),
    renewGrant: () => Promise.resolve(),
  };
  return new Supply('tr-1', net, () => true);
}

function honest(path: string): Uint8Array | number {
  const [, n, isLead] = /\/(\d+)(\.lead)?\.m4s$/.exec(path) ?? [];
  if (path.endsWith('init.mp4')) return INIT;
  return (isLead ? LEADS[Number(n) - 1] : PARTS[Number(n)]) ?? 404;
}

const never = new AbortController().signal;
const piece = async (supply: Supply, atS: number, lead = false): Promise<ReturnType<Supply['piece']>> => {
  await supply.open(never);
  return supply.piece('aac-64', atS, lead, never, () => false);
};

test('a piece comes with its head, and with its lead where a decoder begins', async () => {
  const world: World = { asked: [], manifests: [body()], answer: honest };
  const supply = supplyOf(world);
  const found = await piece(supply, 5, true);
  assert.deepEqual([found?.fromS, found?.toS, found?.data[0], found?.lead?.[0]], [4, 8, 2, 1]);
  const next = await piece(supply, 8.5);
  assert.deepEqual([next?.fromS, next?.toS, next?.lead], [8, 9.99, null], 'the last one ends where the track does');
  assert.deepEqual(world.asked, ['init.mp4', '1.lead.m4s', '1.m4s', '2.m4s']);
  assert.equal(await piece(supply, 12.5), null, 'and nothing is behind the end');
});

test('wrong bytes are fetched once more; wrong again, the rendition is of no use', async () => {
  const bent = (path: string, times: number, most: number): Uint8Array | number =>
    path.endsWith('/1.m4s') && times <= most ? new Uint8Array(1000).fill(77) : honest(path);
  const once = await piece(supplyOf({ asked: [], manifests: [body()], answer: (path, times) => bent(path, times, 1) }), 5);
  assert.equal(once?.data[0], 2);
  await assert.rejects(piece(supplyOf({ asked: [], manifests: [body()], answer: (path, times) => bent(path, times, 99) }), 5), Spoiled);
});

test('a segment that is not listed yet is heard only when the manifest lists it so', async () => {
  const growing = (): unknown[] => [body('planned', 0), body('encoding', 2)];
  const found = await piece(supplyOf({ asked: [], manifests: growing(), answer: honest }), 5);
  assert.deepEqual([found?.fromS, found?.data[0]], [4, 2]);
  const lying = supplyOf({ asked: [], manifests: growing(), answer: (path) => (path.endsWith('/1.m4s') ? new Uint8Array(1000).fill(77) : honest(path)) });
  await assert.rejects(piece(lying, 5), Spoiled);
});

test('the last segment of a track that is still encoded waits until the length is known', async () => {
  const world: World = { asked: [], manifests: [body('encoding', 3), body('encoding', 3), body()], answer: honest };
  assert.equal((await piece(supplyOf(world), 8.5))?.toS, 9.99);
});

test('a lost generation is replaced by the next one', async () => {
  const world: World = {
    asked: [], manifests: [body(), body('complete', 3, 'ef01')],
    answer: (path) => (path.includes('.abcd/') ? 404 : honest(path)),
  };
  const found = await piece(supplyOf(world), 5);
  assert.equal(found?.id, 'aac-64.ef01');
});

test('a broken line is asked again, and whoever waits may choose something smaller first', async () => {
  const supply = supplyOf({ asked: [], manifests: [body()], answer: (path, times) => (path.endsWith('.m4s') && times === 1 ? 'broken' : honest(path)) });
  await assert.rejects(piece(supply, 5), Abandoned);
  assert.equal((await piece(supply, 5))?.data[0], 2);
});
