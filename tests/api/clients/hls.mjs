// SPDX-License-Identifier: GPL-3.0-or-later
// Plays the HLS playlist at URL in Chromium with hls.js, muted and sped up; prints how far it came.
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const script = readFileSync(new URL('node_modules/hls.js/dist/hls.min.js', import.meta.url), 'utf8');
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--autoplay-policy=no-user-gesture-required'],
});
try {
  const page = await browser.newPage();
  const url = process.env.URL;
  const html = `<!doctype html><title>hls.js</title><audio id="audio"></audio><script>${script}</script>`;
  await page.route('**/hls-test.html', (route) => route.fulfill({ contentType: 'text/html', body: html }));
  await page.goto(new URL('/hls-test.html', url).href);
  const seen = await page.evaluate(
    (playlist) =>
      new Promise((resolve) => {
        const audio = document.getElementById('audio');
        const errors = [];
        const hls = new window.Hls();
        let levels = 0;
        audio.muted = true;
        hls.on(window.Hls.Events.MANIFEST_PARSED, (_, data) => {
          levels = data.levels.length;
          audio.playbackRate = 8;
          audio.play().catch((error) => errors.push(String(error)));
        });
        hls.on(window.Hls.Events.ERROR, (_, data) => errors.push(`${data.details} ${data.fatal}`));
        const end = (ended) => resolve({ ended, levels, errors, time: audio.currentTime, duration: audio.duration });
        audio.addEventListener('ended', () => end(true));
        setTimeout(() => end(false), 30000);
        hls.loadSource(playlist);
        hls.attachMedia(audio);
      }),
    url,
  );
  console.log(JSON.stringify(seen));
} finally {
  await browser.close();
}
