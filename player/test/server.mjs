// SPDX-License-Identifier: GPL-3.0-or-later
// server: a real `sostenuto serve` on a temporary state folder, started, killed and started again by the tests.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { playerFolder } from './harness.mjs';

const root = dirname(playerFolder);

/** The binary to test: $SOSTENUTO, else what was built last; null when none is built. */
export function binary() {
  const built = ['release', 'debug'].map((kind) => join(root, 'build', kind, 'sostenuto')).filter((place) => existsSync(place));
  const age = (place) => statSync(place).mtimeMs;
  return process.env.SOSTENUTO || built.sort((a, b) => age(b) - age(a))[0] || null;
}

const isFree = (port) =>
  new Promise((resolve) => {
    const probe = createServer().once('error', () => resolve(false)).listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });

/** Free with the one behind it (where nodes reach an origin), and below those that the kernel gives to whoever connects: a server that was
 * killed finds both again. */
async function freePort() {
  for (;;) {
    const port = 20_000 + 2 * Math.floor(Math.random() * 6000);
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
  }
}

export class Server {
  static start(music, ...flags) {
    const { name } = flags.find((flag) => typeof flag === 'object') ?? {};
    return Server.made(['serve', music, ...flags.filter((flag) => typeof flag === 'string')], name);
  }

  /** `name`: the host that listeners find it by, under `home`; such as music.localhost, which browsers keep on this machine. */
  static async made(words, name) {
    const server = new Server();
    server.data = mkdtempSync(join(tmpdir(), 'sostenuto-player-state-'));
    server.port = await freePort();
    server.base = `http://127.0.0.1:${server.port}`;
    server.home = name ? `http://${name}:${server.port}` : server.base;
    server.words = name ? [...words, '--node-urls', server.home] : words;
    await server.up();
    return server;
  }

  /** Starts (again) on the same folder and port; resolves when it answers. */
  async up() {
    this.log = '';
    const args = [...this.words, '--data', this.data, '--listen', `127.0.0.1:${this.port}`];
    this.child = spawn(binary(), args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on('data', (data) => (this.log += data));
    const until = Date.now() + 30_000;
    for (;;) {
      const isLive = await fetch(`${this.base}/livez`).then((answer) => answer.ok, () => false);
      if (isLive) return;
      if (this.child.exitCode !== null || Date.now() > until) throw new Error(`the server did not start:\n${this.log}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** What an operator's command prints. */
  command(...words) {
    return execFileSync(binary(), [...words, '--data', this.data], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  }

  /** Another listener, and what a browser gets when they sign in: accessToken, grant. */
  async signedIn(name, password) {
    const file = join(this.data, 'password');
    writeFileSync(file, `${password}\n`);
    this.command('user', 'add', name, '--password-file', file);
    const body = JSON.stringify({ name, password });
    return (await fetch(`${this.base}/api/v1/session`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json();
  }

  /** The one-time code that the terminal shows. */
  async code() {
    const until = Date.now() + 10_000;
    while (Date.now() < until) {
      const found = /\b([A-Z0-9]{3,5}(?:-[A-Z0-9]{3,5})+)\b/i.exec(this.log.split('\n').filter((line) => /code/i.test(line)).join('\n'));
      if (found) return found[1];
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`no set-up code in the output:\n${this.log}`);
  }

  down(signal = 'SIGKILL') {
    return new Promise((resolve) => {
      if (this.child.exitCode !== null || this.child.signalCode) return resolve();
      this.child.once('exit', resolve);
      this.child.kill(signal);
    });
  }

  async end() {
    await this.down('SIGTERM');
    rmSync(this.data, { recursive: true, force: true });
  }

  /** One read as an app, with the secret that the player made for it. */
  async rest(name, secret, parameters = {}) {
    const query = new URLSearchParams({ f: 'json', v: '1.16.1', c: 'test', apiKey: secret, ...parameters });
    return (await (await fetch(`${this.base}/rest/${name}?${query}`)).json())['subsonic-response'];
  }
}
