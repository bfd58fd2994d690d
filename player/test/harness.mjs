// SPDX-License-Identifier: GPL-3.0-or-later
// harness: what the browser tests share: Chromium, a page on an address of its own, TAP.
import { build } from 'esbuild';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

export const here = dirname(fileURLToPath(import.meta.url));
export const playerFolder = dirname(here);

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
           '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'],
  });

export async function bundled(entry) {
  const result = await build({ absWorkingDir: playerFolder, entryPoints: [entry], bundle: true, write: false, format: 'iife',
                               target: 'chrome100', logLevel: 'error' });
  return result.outputFiles[0].text;
}

/** A page on https://player.test with these files ({'/a.flac': path}) and this script. */
export async function pageWith(browser, files, script) {
  const page = await (await browser.newContext()).newPage();
  await page.route('https://player.test/**', (route) => {
    const { pathname } = new URL(route.request().url());
    const file = files[decodeURIComponent(pathname)];
    if (!file) return route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>test</title>' });
    return typeof file === 'string' ? route.fulfill({ path: file }) : route.fulfill({ body: file });
  });
  await page.goto('https://player.test/');
  await page.addScriptTag({ content: script });
  return page;
}

let number = 0;
let failures = 0;
export function ok(condition, claim, detail = '') {
  number += 1;
  if (!condition) failures += 1;
  console.log(`${condition ? 'ok' : 'not ok'} ${number} - ${claim}`);
  if (!condition && detail !== '') console.log(`# ${typeof detail === 'string' ? detail : JSON.stringify(detail)}`);
}

let turn = Promise.resolve();

/** What is played once more waits for its turn: alone but for what plays for the first time. */
function inTurn(work) {
  const done = turn.then(work);
  turn = done.catch(() => undefined);
  return done;
}

/** A scene that plays music may fail because the machine stood still, but not every time: up to `tries` times from the
 *  beginning, and what the last time holds counts.  `scene` gets an `ok` of its own. */
export async function steadily(scene, tries = 4) {
  for (let left = tries - 1; ; left--) {
    const claims = [];
    const note = (...claim) => void claims.push(claim);
    try {
      await (left === tries - 1 ? scene(note) : inTurn(() => scene(note)));
    } catch (error) {
      note(false, `${scene.name} gets to its end`, String(error.stack).slice(0, 800));
    }
    const wrong = claims.filter(([condition]) => !condition);
    if (wrong.length === 0 || left === 0) {
      for (const claim of claims) ok(...claim);
      return;
    }
    for (const [, claim, detail] of wrong) console.log(`# once more, since this did not hold: ${claim} ${JSON.stringify(detail)?.slice(0, 600)}`);
  }
}
export function done() {
  console.log(`1..${number}`);
  process.exitCode = failures ? 1 : 0;
}
