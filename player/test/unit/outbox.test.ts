// SPDX-License-Identifier: GPL-3.0-or-later
import 'fake-indexeddb/auto';
import assert from 'node:assert/strict';
import test from 'node:test';
import { Backoff } from '../../src/data/backoff';
import { stampText, tick } from '../../src/data/clock';
import { Disk } from '../../src/data/journal';
import { batchText, type Operation, type Outcome } from '../../src/data/operation';
import { Outbox, type Post } from '../../src/data/outbox';
import { Problem } from '../../src/data/problem';
import { newUid, uidText } from '../../src/data/uid';

let names = 0;
const open = (): Promise<Disk> => Disk.open(indexedDB, `test-${names++}`);
const star = (id: string): { id: string; on: boolean; at: number } => ({ id, on: true, at: 1 });
const seqs = (body: string): number[] => (JSON.parse(body) as { operations: Outcome[] }).operations.map((one) => one.seq);
const accept: Post = (body) => Promise.resolve({ results: seqs(body).map((seq) => ({ seq, outcome: 'accepted' })) });
const never = (): never => assert.fail('nothing should have been refused');

test('the clock never goes back, and counts within a millisecond', () => {
  assert.deepEqual(tick({ ms: 5, counter: 9 }, 7), { ms: 7, counter: 0 });
  assert.deepEqual(tick({ ms: 5, counter: 9 }, 3), { ms: 5, counter: 10 });
  assert.deepEqual(tick({ ms: 5, counter: 0xffff }, 5), { ms: 6, counter: 0 });
});

test('a stamp is written exactly, beyond what a double holds', () => {
  assert.equal(stampText({ ms: 1795000000123, counter: 1 }), String(1795000000123n * 65536n + 1n));
});

test('ids are 22 characters of base64url', () => {
  assert.equal(uidText(new Uint8Array(16).fill(255)), '_____________________w');
  assert.equal(uidText(Uint8Array.from({ length: 16 }, (_, i) => i)), Buffer.from(Array.from({ length: 16 }, (_, i) => i)).toString('base64url'));
  assert.match(newUid(), /^[A-Za-z0-9_-]{22}$/);
});

test('operations are numbered from one, per account, and survive', async () => {
  const disk = await open();
  const a = await disk.record('anna', 'star', star('x'), 1000);
  const b = await disk.record('anna', 'star', star('y'), 500);
  const c = await disk.record('ben', 'star', star('z'), 1000);
  assert.deepEqual([a.seq, b.seq, c.seq], [1, 2, 1]);
  assert.equal(a.device, b.device);
  assert.notEqual(a.device, c.device);
  assert.deepEqual(b.stamp, { ms: 1000, counter: 1 }, 'a clock that went back does not');
  assert.equal((await disk.first('anna', 10)).length, 2);
});

test('tabs that record at once never share a number', async () => {
  const name = `test-${names++}`;
  const tabs = await Promise.all(Array.from({ length: 5 }, () => Disk.open(indexedDB, name)));
  await Promise.all(tabs.flatMap((tab) => Array.from({ length: 20 }, (_, i) => tab.record('anna', 'star', star(String(i)), 1))));
  const all = await (tabs[0] as Disk).first('anna', 1000);
  assert.deepEqual(all.map((one) => one.seq).sort((a, b) => a - b), Array.from({ length: 100 }, (_, i) => i + 1));
});

test('what the server took leaves, what it did not take stays and goes again', async () => {
  const disk = await open();
  for (const id of ['a', 'b', 'c']) await disk.record('anna', 'star', star(id), 1);
  const full: Post = (body) =>
    Promise.resolve({ results: seqs(body).map((seq) => ({ seq, outcome: seq === 2 ? 'full' : 'accepted' })) });
  assert.equal(await new Outbox(disk, full, never).deliver('anna'), 'failed');
  assert.deepEqual((await disk.first('anna', 10)).map((one) => one.seq), [2]);
  assert.equal(await new Outbox(disk, accept, never).deliver('anna'), 'some');
  assert.equal(await new Outbox(disk, accept, never).deliver('anna'), 'empty');
});

test('a lost answer means delivering again under the same id', async () => {
  const disk = await open();
  await disk.record('anna', 'star', star('a'), 1);
  const bodies: string[] = [];
  const lossy: Post = (body) => {
    bodies.push(body);
    return bodies.length === 1 ? Promise.reject(new Problem('away', '')) : accept(body);
  };
  const outbox = new Outbox(disk, lossy, never);
  await assert.rejects(outbox.deliver('anna'));
  await outbox.deliver('anna');
  assert.equal(bodies[0], bodies[1]);
});

test('what is refused is told once and does not hold up the rest', async () => {
  const disk = await open();
  for (const id of ['a', 'bad', 'c']) await disk.record('anna', 'star', star(id), 1);
  const told: string[] = [];
  const post: Post = (body) =>
    body.includes('bad') ? Promise.reject(new Problem('refused', 'not valid', 400)) : accept(body);
  await new Outbox(disk, post, (operation: Operation, why) => told.push(`${operation.seq} ${why}`)).deliver('anna');
  assert.deepEqual(told, ['2 not valid']);
  assert.equal(await disk.count('anna'), 0);
});

test('an id that was used for something else becomes a new device', async () => {
  const disk = await open();
  const first = await disk.record('anna', 'star', star('a'), 1);
  const conflict: Post = (body) => Promise.resolve({ results: seqs(body).map((seq) => ({ seq, outcome: 'conflict' })) });
  await new Outbox(disk, conflict, never).deliver('anna');
  const [again] = await disk.first('anna', 10);
  assert.ok(again);
  assert.notEqual(again.device, first.device);
  assert.deepEqual(again.payload, first.payload);
});

test('another account\'s operations are never delivered', async () => {
  const disk = await open();
  await disk.record('anna', 'star', star('a'), 1);
  assert.equal(await new Outbox(disk, never as unknown as Post, never).deliver('ben'), 'empty');
});

test('a batch is exactly what POST /ops reads', () => {
  const operation = { user: 'u', device: 'd', seq: 1, stamp: { ms: 1, counter: 2 }, kind: 'star', payload: star('x') } as const;
  assert.equal(
    batchText('d', [operation]),
    '{"device":"d","operations":[{"seq":1,"hlc":65538,"kind":"star","payload":{"id":"x","on":true,"at":1}}]}',
  );
});

test('waiting grows to its limit and starts anew after success', () => {
  const backoff = new Backoff(100, 400, () => 1);
  assert.deepEqual([1, 2, 3, 4].map(() => backoff.nextMs()), [100, 200, 400, 400]);
  backoff.reset();
  assert.equal(backoff.nextMs(), 100);
});
