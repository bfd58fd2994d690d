// SPDX-License-Identifier: GPL-3.0-or-later
// Nodes that die slowly, on loopback: what is asked goes on at another one in seconds, not when a time-out ends.
import 'fake-indexeddb/auto';
import assert from 'node:assert/strict';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'node:test';
import { Abandoned, Supply } from '../../src/audio/supply';
import { node, setNodes } from '../../src/data/nodes';
import { digestOf } from '../../src/data/manifests';
import { doubt, openObject, setRunningOut } from '../../src/data/objects';
import { readManifest, type Manifest } from '../../src/model/manifest';

const SOON_MS = 8000; // a time-out takes ten seconds; a doubt two, and a look at the others less than two
const PIECE = new Uint8Array(1000).fill(7);

class Node {
  isLive = true;
  isHung = false;
  give = (answer: ServerResponse): void => void answer.end(PIECE);
  private readonly server: Server = createServer((request, answer) => {
    if (this.isHung) return;
    answer.setHeader('access-control-allow-origin', '*');
    if (request.url === '/livez') return void (this.isLive && answer.end('ok'));
    this.give(answer);
  });
  async up(): Promise<this> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done));
    return this;
  }
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
  down(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}

async function oneSegment(): Promise<Manifest> {
  const part = { bytes: PIECE.length, sha256: await digestOf(PIECE) };
  return readManifest({
    format: 'manifest 1.0', track: 'tr-1', isProvisional: false, source: { rate: 1000, length: 4000, isExact: true },
    renditions: [{ name: 'aac-64', generation: 'abcd', state: 'complete', mime: 'audio/mp4', codec: 'mp4a.40.2', rate: 1000, channels: 2,
                   bandwidth: 64000, length: 4000, trim: { start: 0, end: 0 }, preroll: 0, firstDuration: 4000, segmentDuration: 4000, init: part,
                   segments: [{ at: 0, duration: 4000, ...part, lead: null }] }],
  }, 'tr-1');
}

async function withTwo(work: (first: Node, second: Node) => Promise<void>): Promise<void> {
  const [first, second] = [await new Node().up(), await new Node().up()];
  Object.assign(globalThis, { location: { origin: first.url, protocol: 'http:', host: 'here' } });
  node.value = '';
  const { fetch } = globalThis;
  globalThis.fetch = (url, options) => fetch(new URL(String(url), first.url), options);
  setRunningOut(() => false);
  setNodes([{ name: 'one', role: 'edge', urls: [first.url] }, { name: 'two', role: 'edge', urls: [second.url] }], false);
  try {
    await work(first, second);
  } finally {
    globalThis.fetch = fetch;
    first.down();
    second.down();
  }
}

const never = new AbortController().signal;
const ask = async (path: string): Promise<number> => (await (await openObject(path, never)).arrayBuffer()).byteLength;

async function soon<T>(work: Promise<T>): Promise<T> {
  const began = performance.now();
  const found = await work;
  assert.ok(performance.now() - began < SOON_MS, `it took ${Math.round(performance.now() - began)} ms`);
  return found;
}

test('a node that hangs: all that was asked of it is asked of the next', () =>
  withTwo(async (first, second) => {
    first.isHung = true;
    assert.deepEqual(await soon(Promise.all([ask('/m/a/0'), ask('/m/a/1'), ask('/nodes')])), [1000, 1000, 1000]);
    assert.equal(node.value, second.url);
  }));

test('a node that hangs in the middle of a piece: it comes from the next', () =>
  withTwo(async (first, second) => {
    first.give = (answer) => {
      answer.writeHead(200, { 'content-length': PIECE.length });
      answer.write(PIECE.subarray(0, 500));
      first.isHung = true;
    };
    const supply = new Supply('tr-1', { manifest: oneSegment, open: openObject, digest: digestOf, renewGrant: () => Promise.resolve(), onSilence: doubt }, () => true);
    await supply.open(never);
    const piece = (): ReturnType<Supply['piece']> => supply.piece('aac-64', 1, false, never, () => false);
    const again = (error: unknown): ReturnType<Supply['piece']> => (error instanceof Abandoned ? piece() : Promise.reject(error as Error));
    assert.equal((await soon(piece().catch(again)))?.data.length, PIECE.length);
    assert.equal(node.value, second.url);
  }));

test('a node that lives and gives nothing is left when the music runs out, not before', () =>
  withTwo(async (first, second) => {
    first.give = () => undefined;
    let isShort = false;
    setRunningOut(() => isShort);
    const coming = ask('/m/a/0');
    const early = await Promise.race([coming, new Promise((later) => setTimeout(later, 5000, 'nothing'))]);
    assert.deepEqual([early, node.value], ['nothing', '']);
    isShort = true;
    assert.equal(await coming, 1000);
    assert.equal(node.value, second.url);
  }));
