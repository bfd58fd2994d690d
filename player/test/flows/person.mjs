// SPDX-License-Identifier: GPL-3.0-or-later
// person: somebody at a page of the player, and how they begin.
import { ok } from '../harness.mjs';

export const PASSWORD = 'four brass pedals hold';
export const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What should happen at once may take this long on a machine with other things to do; what passes does not wait for it. */
export const PATIENCE_MS = 30_000;

/** Polls until the claim holds; returns the last value either way. */
export async function until(ask, holds = Boolean, limitMs = PATIENCE_MS) {
  const end = Date.now() + limitMs;
  for (;;) {
    const value = await ask();
    if (holds(value) || Date.now() > end) return value;
    await wait(100);
  }
}

export class Person {
  constructor(page, base) {
    this.page = page;
    this.base = base;
    this.pieces = new Map(); // track → segments that came
    page.on('requestfinished', (request) => {
      const [, track, n] = /\/m\/([^/]+)\/.*?(\d+)\.m4s/.exec(request.url()) ?? [];
      if (track) this.pieces.set(track, (this.pieces.get(track) ?? new Set()).add(n));
    });
  }
  button = (name, exact = true) => this.page.getByRole('button', { name, exact });
  link = (name) => this.page.getByRole('link', { name, exact: true });
  heading = () => this.page.locator('main h1').first().textContent();
  title = () => this.page.locator('.bar-words > :first-child').textContent({ timeout: 3000 }).catch(() => '');
  isPlaying = () => this.page.locator('.play-button[aria-label=Pause]').count();
  position = async () => Number(await this.page.locator('.pedal-track input').inputValue());
  async go(path) {
    await this.page.evaluate((to) => {
      const link = document.body.appendChild(Object.assign(document.createElement('a'), { href: to }));
      link.click();
      link.remove();
    }, path);
    await this.page.locator('main h1').first().waitFor({ state: 'attached' });
  }
  async openAlbum(name) {
    await this.go('/albums');
    await this.page.locator('.card-title', { hasText: name }).first().click();
    await this.page.locator('.song').first().waitFor();
  }
}

export async function setUp(person, server) {
  const { page } = person;
  await page.goto(server.base);
  await page.getByLabel('Code from the terminal').waitFor();
  const code = await server.code();
  const fill = async (typed) => {
    await page.getByLabel('Code from the terminal').fill(typed);
    await page.getByLabel('Your name').fill('Clara');
    await page.getByLabel('Password').fill(PASSWORD);
    await person.button('Begin').click();
  };
  await fill('XXXX-XXXX');
  ok(await until(() => page.locator('.form-error').textContent()), 'a wrong set-up code is refused in words');
  await fill(code);
  await page.locator('.top').waitFor();
  ok(true, 'the code from the terminal makes the first listener');
  const albums = await until(async () => {
    await person.go('/albums');
    await wait(400);
    return page.locator('.card').count();
  }, (count) => count >= 18, 60_000);
  ok(albums >= 18, 'the library appears by itself', albums);
}
