// SPDX-License-Identifier: GPL-3.0-or-later
// run: every test of the player, as one TAP stream and a closing line.  usage: run.mjs [unit|lint|browser|flows|NAME]...
//
// Most of them wait for music to be played, so they run side by side: the longest first, as many as ABREAST.
// The flows need a built server (SOSTENUTO, else what was built last); without one they are skipped, and say so.
import { spawn } from 'node:child_process';
import { build } from 'esbuild';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeMusic, musicFolder } from './fixture/music.mjs';
import { here, playerFolder } from './harness.mjs';
import { binary } from './server.mjs';

const parts = process.argv.slice(2);
const wants = (part) => parts.length === 0 || parts.includes(part);
const scratch = mkdtempSync(join(tmpdir(), 'sostenuto-player-test-'));
const LIMIT_MS = 480_000; // some play their music up to four times when the machine stood still (harness.mjs, steadily)
const ABREAST = 3; // they wait more than they compute
const LONGEST = ['adapt', 'flows', 'island', 'nodes', 'late', 'segments', 'devices', 'seams'];
/** Every sample that comes out of an element is compared: not two of these at once. */
const SAMPLED = ['adapt', 'segments', 'seams'];
/** A song, or an outage, of minutes each: left out by script/test --quick, unless named. */
const LONG = parts.length === 0 && process.env.SOSTENUTO_QUICK ? ['adapt', 'nodes', 'late', 'island'] : [];
const took = {}; // seconds, by group
const count = { passed: 0, failed: 0, skipped: 0 };
let number = 0;

/** True for a claim that does not hold. */
function take(line, group) {
  const found = /^(not )?ok \d+ - (.*)$/.exec(line);
  if (found) {
    const isSkipped = /# SKIP/i.test(found[2]);
    number += 1;
    count[found[1] ? 'failed' : isSkipped ? 'skipped' : 'passed'] += 1;
    console.log(`${found[1] ?? ''}ok ${number} - ${group}: ${found[2]}`);
    return found[1] !== undefined;
  }
  if (/^\s*#|^\s+(error|expected|actual|at):?/.test(line) && !/^# (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms|Subtest)/.test(line)) {
    console.log(line.startsWith('#') ? line : `# ${line}`);
  }
  return false;
}

/** Runs one program that prints TAP; a bad end without a failed claim is a failure too. */
function run(group, program, args) {
  return new Promise((resolve) => {
    let failed = 0;
    const began = performance.now();
    const child = spawn(program, args, { cwd: playerFolder, stdio: ['ignore', 'pipe', 'inherit'] });
    const timer = setTimeout(() => child.kill('SIGTERM'), LIMIT_MS);
    let rest = '';
    child.stdout.on('data', (data) => {
      const lines = (rest + data).split('\n');
      rest = lines.pop();
      for (const line of lines) failed += take(line, group);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (rest) failed += take(rest, group);
      took[group] = (took[group] ?? 0) + Math.round((performance.now() - began) / 1000);
      if (code !== 0 && !failed) take(`not ok 0 - ended with ${signal ?? code}`, group);
      resolve();
    });
  });
}

async function unitFiles() {
  const names = readdirSync(join(here, 'unit')).filter((name) => name.endsWith('.test.ts'));
  await build({
    absWorkingDir: playerFolder,
    entryPoints: names.map((name) => join('test/unit', name)),
    bundle: true, platform: 'node', format: 'esm', target: 'node18', outdir: scratch, outExtension: { '.js': '.mjs' },
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url); globalThis.addEventListener ??= () => {}; globalThis.crypto ??= require('node:crypto').webcrypto;" },
    logLevel: 'error',
  });
  return readdirSync(scratch).filter((name) => name.endsWith('.mjs')).map((name) => join(scratch, name));
}

/** [group, arguments of node] of everything that is wanted, the longest first. */
async function programs() {
  const found = [];
  const tests = (folder) => readdirSync(join(here, folder)).filter((name) => name.endsWith('.test.mjs')).sort();
  for (const folder of ['flows', 'browser']) {
    for (const name of tests(folder)) {
      const group = name.replace('.test.mjs', '');
      if ((wants(folder) || wants(group)) && !LONG.includes(group)) found.push([group, [join('test', folder, name)]]);
    }
  }
  const place = (group) => LONGEST.indexOf(group) >>> 0; // what is not named comes last
  found.sort(([a], [b]) => place(a) - place(b));
  if (wants('lint')) found.push(['lint', ['test/lint.test.mjs']]);
  if (wants('unit')) for (const file of await unitFiles()) found.push(['unit', ['--test-reporter=tap', file]]);
  return found;
}

async function runAll() {
  const left = await programs();
  if (left.some(([, [file]]) => file.includes('flows')) && binary()) makeMusic(musicFolder()); // once, before two want it
  let sampled = Promise.resolve(); // until none runs
  const isFree = ([group]) => !SAMPLED.includes(group) || !isSampling;
  let isSampling = false;
  const worker = async () => {
    while (left.length > 0) {
      const at = left.findIndex(isFree);
      if (at < 0) {
        await sampled;
        continue;
      }
      const [[group, args]] = left.splice(at, 1);
      const running = run(group, process.execPath, args);
      if (SAMPLED.includes(group)) {
        isSampling = true;
        sampled = running.then(() => void (isSampling = false));
      }
      await running;
    }
  };
  await Promise.all(Array.from({ length: ABREAST }, worker));
}

try {
  await runAll();
} finally {
  if (existsSync(scratch)) rmSync(scratch, { recursive: true });
}
console.log(`1..${number}`);
console.log(`# seconds: ${Object.entries(took).map(([group, seconds]) => `${group} ${seconds}`).join(', ')}`);
console.log(`# player: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
process.exitCode = count.failed ? 1 : 0;
