// SPDX-License-Identifier: GPL-3.0-or-later
// Plays the HLS playlist at URL in Chromium with hls.js, muted, a few seconds ahead of the ear.  Prints "playing" when the song
// runs, and what was heard and who gave it once FOR_S more seconds have passed.
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const AHEAD_S = 6; // of the song, that are held
const { URL: playlist, FOR_S = '20' } = process.env;
const script = readFileSync(new URL('node_modules/hls.js/dist/hls.min.js', import.meta.url), 'utf8');
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--autoplay-policy=no-user-gesture-required'],
});

/** In the page: starts the song; `globalThis.seen` is what an ear would have noticed. */
function listen([address, aheadS]) {
  const audio = new Audio();
  const seen = { waits: 0, longestStillMs: 0, fatal: [], levels: 0, at: 0 };
  const hls = new globalThis.Hls({ maxBufferLength: aheadS, maxMaxBufferLength: aheadS });
  let movedMs = performance.now();
  globalThis.seen = seen;
  audio.muted = true;
  audio.addEventListener('playing', () => audio.addEventListener('waiting', () => (seen.waits += 1)), { once: true });
  hls.on(globalThis.Hls.Events.MANIFEST_PARSED, (_, data) => {
    seen.levels = data.levels.length;
    void audio.play();
  });
  hls.on(globalThis.Hls.Events.ERROR, (_, data) => data.fatal && seen.fatal.push(data.details));
  setInterval(() => {
    const now = performance.now();
    if (audio.currentTime > seen.at) movedMs = now;
    if (seen.at > 0) seen.longestStillMs = Math.max(seen.longestStillMs, now - movedMs);
    seen.at = audio.currentTime;
  }, 20);
  hls.loadSource(address);
  hls.attachMedia(audio);
}

try {
  const page = await browser.newPage({ bypassCSP: true });
  const givers = [];
  page.on('requestfinished', (request) => /\.m4s/.test(request.url()) && givers.push(new URL(request.url()).origin));
  await page.goto(new URL('/livez', playlist).href); // a page of that node's, from where it is: others may be asked
  await page.addScriptTag({ content: script });
  await page.evaluate(listen, [playlist, AHEAD_S]);
  await page.waitForFunction(() => globalThis.seen.at > 3, undefined, { timeout: 30_000 });
  console.log('playing');
  await page.waitForTimeout(Number(FOR_S) * 1000);
  console.log(JSON.stringify({ ...(await page.evaluate(() => globalThis.seen)), givers }));
} finally {
  await browser.close();
}
