// SPDX-License-Identifier: GPL-3.0-or-later
// lint: rules of this folder that a compiler does not know.  usage: lint.mjs [SRC]
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), 'src');

/** The only modules that may touch the network or this device's storage. */
const DOORS = ['data/objects.ts', 'data/journal.ts', 'courier-worker.ts'];

const RULES = [
  [/\b(fetch|importScripts)\s*\(/, 'calls fetch', DOORS],
  [/\bnew\s+(XMLHttpRequest|EventSource|WebSocket|WebTransport)\b|\bsendBeacon\b/, 'opens a connection', DOORS],
  [/\b(localStorage|sessionStorage|indexedDB|IDB\w+|cookieStore|caches)\b|document\.cookie|storage\.getDirectory/, 'uses storage', ['data/journal.ts']],
  [/:\s*any\b|\bas\s+any\b|<any>|@ts-ignore|@ts-nocheck/, 'gives up types', []],
  [/dangerouslySetInnerHTML|\.innerHTML\b|\beval\s*\(|new Function\s*\(/, 'makes markup or code of text', []],
  [/\b(TODO|FIXME|XXX)\b|console\.log/, 'is left behind', []],
];
const FIRST_LINE = '// SPDX-License-Identifier: GPL-3.0-or-later';
const MOST_LINES = 400;

function* filesIn(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) yield* filesIn(path);
    else if (/\.tsx?$/.test(name)) yield path;
  }
}

let count = 0;
function complain(path, line, what) {
  count += 1;
  console.error(`${path}:${line}: ${what}`);
}

for (const path of filesIn(source)) {
  const name = relative(source, path);
  const lines = readFileSync(path, 'utf8').split('\n');
  if (lines[0] !== FIRST_LINE) complain(name, 1, 'the SPDX line is missing');
  if (lines.length > MOST_LINES) complain(name, lines.length, `${lines.length} lines: split it by noun`);
  lines.forEach((line, i) => {
    const code = line.replace(/^\s*(\/\/|\*|\/\*).*$/, '').replace(/\s\/\/ .*$/, '');
    for (const [pattern, what, allowed] of RULES) {
      if (pattern.test(code) && !allowed.includes(name)) complain(name, i + 1, `${what}: ${line.trim()}`);
    }
  });
}
if (count > 0) process.exit(1);
