// SPDX-License-Identifier: GPL-3.0-or-later
// stage: runs inside Chromium.  The player's own engine on a queue of tracks, and what comes out of its element, sample by
// sample.
import { ElementStage } from '../../src/audio/element';
import { Engine, type Way } from '../../src/audio/engine';
import { digestOf, manifestOf } from '../../src/data/manifests';
import { openObject } from '../../src/data/objects';
import type { Item } from '../../src/audio/stage';

const TAP = `registerProcessor('tap', class extends AudioWorkletProcessor {
  process([input]) {
    if (input.length) this.port.postMessage([currentFrame, input[0].slice(), (input[1] ?? input[0]).slice()]);
    return true;
  }
});`;

interface Told {
  at: number; // ms since start
  what: string;
}

const told: Told[] = [];
let began = 0;
const tell = (what: string): number => told.push({ at: Math.round(performance.now() - began), what });

let items: Item[] = [];
let ended: () => void = () => undefined;
const engine: Engine = new Engine(
  {
    follow: (key) => items[items.findIndex((item) => item.key === key) + 1] ?? null,
    onNow: (key) => {
      tell(`now ${key}`);
      const item = items.find((one) => one.key === key);
      if (item) engine.setNow(item);
    },
    onPosition: () => undefined,
    onEndOfQueue: () => ended(),
    onFailed: (item, error) => tell(`failed ${item.song.id} ${String(error)}`),
  },
  { manifest: manifestOf, open: openObject, digest: digestOf, renewGrant: () => Promise.resolve() },
  () => Promise.resolve(ElementStage),
);

interface Inside {
  segments: { holdings: { all: { fromS: number; toS: number; id: string; piece: unknown }[] } };
}

/** The rendition that the element holds for this moment. */
function soundingNow(): string | undefined {
  const at = engine.audio.currentTime;
  const { all } = (engine as unknown as Inside).segments.holdings;
  return all.find((span) => !span.piece && span.fromS <= at && at < span.toS)?.id;
}

const blocks: [number, Float32Array, Float32Array][] = [];

async function tap(rate: number): Promise<void> {
  const context = new AudioContext({ sampleRate: rate });
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([TAP], { type: 'text/javascript' })));
  const node = new AudioWorkletNode(context, 'tap');
  context.createMediaElementSource(engine.audio).connect(node).connect(context.destination);
  node.port.onmessage = (event: MessageEvent<[number, Float32Array, Float32Array]>) => blocks.push(event.data);
  await context.resume();
}

/** Plays these tracks to the end of the queue, or for so long; resolves with what was noted. */
async function play(tracks: string[], rate: number, fromS = 0, limitMs = 60_000, way: Way = 'gapless'): Promise<Told[]> {
  if (blocks.length === 0 && rate > 0) await tap(rate);
  blocks.length = 0;
  told.length = 0;
  sounding.length = 0;
  began = performance.now();
  items = tracks.map((id, key) => ({ key, song: { id, title: id } }));
  engine.setWay(way);
  let wasStalled = true;
  const { fetch } = globalThis;
  globalThis.fetch = (input, init) => {
    const name = /\/m\/[^/]+\/([a-z0-9-]+)\.[0-9a-f]+\/(\d+)\.m4s/.exec(String(input));
    if (name) tell(`get ${name[1]} ${name[2]}`);
    return fetch(input, init);
  };
  const watch = setInterval(() => {
    if (engine.isStalled.value !== wasStalled) tell(engine.isStalled.value ? 'stall' : 'sound');
    wasStalled = engine.isStalled.value;
    const name = soundingNow();
    if (name && sounding.at(-1)?.name !== name) sounding.push({ at: (performance.now() - began) / 1000, name });
  }, 20);
  engine.start(items[0] as Item, fromS);
  await new Promise<void>((resolve) => {
    ended = resolve;
    setTimeout(resolve, limitMs);
  });
  clearInterval(watch);
  globalThis.fetch = fetch;
  engine.pause();
  await new Promise((resolve) => setTimeout(resolve, 150));
  return told;
}

interface Looked {
  at: number; // s since the start
  name: string;
}
const sounding: Looked[] = [];

/** What was heard when, by rendition. */
const rungs = (): Looked[] => sounding;

/** One channel of all that was heard, base64 of 32-bit floats, and whether the capture itself lost blocks. */
function heard(channel: 0 | 1): { base64: string; lost: number } {
  const all = new Float32Array(blocks.length * 128);
  blocks.forEach((block, i) => all.set(block[channel + 1] as Float32Array, i * 128));
  const lost = blocks.filter((block, i) => i > 0 && block[0] !== (blocks[i - 1]?.[0] ?? 0) + 128).length;
  const bytes = new Uint8Array(all.buffer);
  let text = '';
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.subarray(at, at + 32768));
  return { base64: btoa(text), lost };
}

Object.assign(globalThis, { stage: { play, heard, engine, rungs } });
