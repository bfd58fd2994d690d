// SPDX-License-Identifier: GPL-3.0-or-later
// The rules hold, and would be noticed if they did not.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { done, ok, playerFolder } from './harness.mjs';

const lint = (...args) => spawnSync(process.execPath, [join(playerFolder, 'lint.mjs'), ...args], { encoding: 'utf8' });

const own = lint();
ok(own.status === 0, 'the player keeps its own rules', own.stderr);
const types = spawnSync(process.execPath, [join(playerFolder, 'node_modules/typescript/bin/tsc'), '--noEmit', '-p', playerFolder], { encoding: 'utf8' });
ok(types.status === 0, 'every type holds, strictly', types.stdout);

const scratch = mkdtempSync(join(tmpdir(), 'sostenuto-lint-'));
mkdirSync(join(scratch, 'data'));
const check = (name, code) => {
  writeFileSync(join(scratch, name), `// SPDX-License-Identifier: GPL-3.0-or-later\n${code}\n`);
  const { status } = lint(scratch);
  rmSync(join(scratch, name));
  return status;
};
for (const code of ["fetch('/x');", 'localStorage.x = 1;', "indexedDB.open('x');", "new WebSocket('ws://x');", 'document.cookie;', 'navigator.sendBeacon;',
                    'const x: any = 1;', 'element.innerHTML = x;', '// @ts-ignore\n' + 'x as any;']) {
  ok(check('view.ts', code) === 1, `refused outside the doors: ${code.split('\n').pop()}`);
}
ok(check('view.ts', "// fetch('/x') in words is fine") === 0, 'words about fetching are not fetching');
ok(check('data/objects.ts', "fetch('/x');") === 0, 'the reading door may fetch');
ok(check('data/objects.ts', 'localStorage.x = 1;') === 1, 'the reading door may not store');
ok(check('data/journal.ts', "fetch('/x'); indexedDB.open('x');") === 0, 'the writing door may do both');
rmSync(scratch, { recursive: true });
done();
