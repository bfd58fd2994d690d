// SPDX-License-Identifier: GPL-3.0-or-later
// run: every test of the player, as one TAP stream and a closing line.  usage: run.mjs [unit|lint|browser|flows]...
//
// The flows need a built server (SOSTENUTO, else build/{release,debug}/sostenuto); without one they are skipped, and say so.
import { spawn } from 'node:child_process';
import { build } from 'esbuild';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { here, playerFolder } from './harness.mjs';

const parts = process.argv.slice(2);
const wants = (part) => parts.length === 0 || parts.includes(part);
const scratch = mkdtempSync(join(tmpdir(), 'sostenuto-player-test-'));
const LIMIT_MS = 280_000;
const count = { passed: 0, failed: 0, skipped: 0 };
let number = 0;

function take(line, group) {
  const found = /^(not )?ok \d+ - (.*)$/.exec(line);
  if (found) {
    const isSkipped = /# SKIP/i.test(found[2]);
    number += 1;
    count[found[1] ? 'failed' : isSkipped ? 'skipped' : 'passed'] += 1;
    console.log(`${found[1] ?? ''}ok ${number} - ${group}: ${found[2]}`);
  } else if (/^\s*#|^\s+(error|expected|actual|at):?/.test(line) && !/^# (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms|Subtest)/.test(line)) {
    console.log(line.startsWith('#') ? line : `# ${line}`);
  }
}

/** Runs one program that prints TAP; a bad end without a failed claim is a failure too. */
function run(group, program, args) {
  return new Promise((resolve) => {
    const failedBefore = count.failed;
    const child = spawn(program, args, { cwd: playerFolder, stdio: ['ignore', 'pipe', 'inherit'] });
    const timer = setTimeout(() => child.kill('SIGTERM'), LIMIT_MS);
    let rest = '';
    child.stdout.on('data', (data) => {
      const lines = (rest + data).split('\n');
      rest = lines.pop();
      for (const line of lines) take(line, group);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (rest) take(rest, group);
      if (code !== 0 && count.failed === failedBefore) take(`not ok 0 - ended with ${signal ?? code}`, group);
      resolve();
    });
  });
}

async function unit() {
  const names = readdirSync(join(here, 'unit')).filter((name) => name.endsWith('.test.ts'));
  await build({
    absWorkingDir: playerFolder,
    entryPoints: names.map((name) => join('test/unit', name)),
    bundle: true, platform: 'node', format: 'esm', target: 'node18', outdir: scratch, outExtension: { '.js': '.mjs' },
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url); globalThis.addEventListener ??= () => {}; globalThis.crypto ??= require('node:crypto').webcrypto;" },
    logLevel: 'error',
  });
  const files = readdirSync(scratch).filter((name) => name.endsWith('.mjs')).map((name) => join(scratch, name));
  for (const file of files) await run('unit', process.execPath, ['--test-reporter=tap', file]);
}

try {
  if (wants('lint')) await run('lint', process.execPath, ['test/lint.test.mjs']);
  if (wants('unit')) await unit();
  for (const folder of ['browser', 'flows']) {
    if (!wants(folder)) continue;
    for (const name of readdirSync(join(here, folder)).filter((name) => name.endsWith('.test.mjs')).sort()) {
      await run(name.replace('.test.mjs', ''), process.execPath, [join('test', folder, name)]);
    }
  }
} finally {
  if (existsSync(scratch)) rmSync(scratch, { recursive: true });
}
console.log(`1..${number}`);
console.log(`# player: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
process.exitCode = count.failed ? 1 : 0;
