// SPDX-License-Identifier: GPL-3.0-or-later
import assert from 'node:assert/strict';
import test from 'node:test';
import { BLOCK, FileChanged, TrackBytes, type OpenBytes } from '../../src/audio/bytes';
import { Backoff } from '../../src/data/backoff';
import { Problem } from '../../src/data/problem';

const file = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, i) => (i * 7 + (i >> 8)) & 255);
const fast = (): Backoff => new Backoff(1, 2);

/** A server that sends in pieces; `cut` breaks the connection after so many bytes. */
function serve(all: Uint8Array, requests: number[], cut: () => number = () => Infinity, etag = '"1"'): OpenBytes {
  return (from) => {
    requests.push(from);
    const limit = cut();
    if (limit === 0) return Promise.reject(new Problem('away', 'down'));
    let at = from;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (at - from >= limit) return controller.error(new Error('reset'));
        const to = Math.min(at + 50_000, all.length, from + limit);
        controller.enqueue(all.slice(at, to));
        at = to;
        if (at >= all.length) controller.close();
      },
    });
    const headers = { 'content-range': `bytes ${from}-${all.length - 1}/${all.length}`, etag };
    return Promise.resolve(new Response(body, { status: 206, headers }));
  };
}

test('a file is read whole, by one request', async () => {
  const all = file(3 * BLOCK + 17);
  const requests: number[] = [];
  const bytes = new TrackBytes(serve(all, requests));
  assert.deepEqual(await bytes.read(0, Infinity), all);
  assert.deepEqual(requests, [0]);
  assert.equal(bytes.isComplete, true);
  bytes.stop();
});

test('a connection that breaks at any byte is resumed where it broke', async () => {
  const all = file(2 * BLOCK + 5);
  const requests: number[] = [];
  const cuts = [1, 0, 0, 70_001, 0, BLOCK, 3];
  const bytes = new TrackBytes(serve(all, requests, () => cuts.shift() ?? Infinity), undefined, fast());
  assert.deepEqual(await bytes.read(0, Infinity), all);
  assert.deepEqual(requests.slice(0, 4), [0, 1, 1, 1]);
  assert.ok(requests.every((from, i) => i === 0 || from >= (requests[i - 1] as number)), 'no byte is fetched twice');
  bytes.stop();
});

test('a place far ahead is asked for by itself, then the hole is filled', async () => {
  const all = file(12 * BLOCK);
  const requests: number[] = [];
  const bytes = new TrackBytes(serve(all, requests));
  assert.deepEqual(await bytes.read(10 * BLOCK + 3, 100), all.slice(10 * BLOCK + 3, 10 * BLOCK + 103));
  assert.deepEqual(await bytes.read(0, Infinity), all);
  bytes.stop();
});

test('what is held stays readable when the server is gone', async () => {
  const all = file(2 * BLOCK);
  let isDown = false;
  const open = serve(all, []);
  const bytes = new TrackBytes((from, etag, signal) => (isDown ? Promise.reject(new Problem('away', '')) : open(from, etag, signal)));
  await bytes.read(0, Infinity);
  isDown = true;
  assert.deepEqual(await bytes.read(BLOCK - 1, 2), all.slice(BLOCK - 1, BLOCK + 1));
  assert.equal(bytes.heldTo(0), 2 * BLOCK);
  bytes.stop();
});

test('a file that is gone is told; a server that is away is waited for', async () => {
  const gone = new TrackBytes(() => Promise.resolve(new Response(null, { status: 404 })));
  await assert.rejects(gone.read(0, 1), (error) => error instanceof Problem && error.kind === 'missing');
  let tries = 0;
  const all = file(10);
  const open = serve(all, []);
  const away = new TrackBytes(
    (from, etag, signal) => (tries++ < 5 ? Promise.resolve(new Response(null, { status: 503 })) : open(from, etag, signal)),
    undefined,
    fast(),
  );
  assert.deepEqual(await away.read(0, 10), all);
  assert.equal(tries, 6);
  away.stop();
});

test('a refused grant is renewed, then the file comes', async () => {
  const all = file(10);
  const open = serve(all, []);
  let renewed = 0;
  const bytes = new TrackBytes(
    (from, etag, signal) => (renewed === 0 ? Promise.resolve(new Response(null, { status: 403 })) : open(from, etag, signal)),
    () => Promise.resolve(void renewed++),
    fast(),
  );
  assert.deepEqual(await bytes.read(0, 10), all);
  assert.equal(renewed, 1);
  bytes.stop();
});

test('a file that changed in between is never mixed with what it was', async () => {
  const was = file(2 * BLOCK);
  const is = was.map((byte) => byte ^ 255);
  const first = serve(was, [], () => BLOCK);
  const second = serve(is, [], () => Infinity, '"2"');
  let count = 0;
  const bytes = new TrackBytes((from, etag, signal) => (count++ === 0 ? first : second)(count === 1 ? from : 0, etag, signal), undefined, fast());
  await assert.rejects(bytes.read(0, Infinity), FileChanged);
  assert.deepEqual(await bytes.read(0, Infinity), is);
  bytes.stop();
});
