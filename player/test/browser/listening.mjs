// SPDX-License-Identifier: GPL-3.0-or-later
// listening: a page with the player's engine (stage.ts), and every sample that comes out of its element.
import { bundled } from '../harness.mjs';

export const PAGE = { bytes: Buffer.from('<!doctype html><title>test</title>'), type: 'text/html' };
const script = await bundled('test/browser/stage.ts');

export async function open(browser, line) {
  const page = await browser.newPage();
  if (process.env.LOUD) page.on('console', (message) => console.log(`# ${message.text()}`));
  page.on('pageerror', (error) => console.log(`# ${error.stack}`));
  await page.goto(`${line.base}/`);
  await page.addScriptTag({ content: script });
  return page;
}

/** tracks, sample rate of the capture, where to begin, limit in ms. */
export const play = (page, ...args) => page.evaluate((all) => globalThis.stage.play(...all), args);

/** From the first sound on; `lost`: blocks that the capture itself missed, on a machine that is too busy. */
export async function heard(page, channel = 0) {
  const { base64, lost } = await page.evaluate((which) => globalThis.stage.heard(which), channel);
  const bytes = Buffer.from(base64, 'base64');
  const all = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  return { samples: all.subarray(all.findIndex((value) => value !== 0)), lost };
}

export const middle = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
