// SPDX-License-Identifier: GPL-3.0-or-later
// Builds dist/: one page, one script and one style sheet with hashed names, the font and the icons, every text file
// also as .gz and .br.  dist/files.json says how each file may be cached; embed.py reads it.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const fresh = join(here, 'dist.new');
const dist = join(here, 'dist');
const budget = { '.js': 40 * 1024, '.css': 10 * 1024 }; // brotli bytes

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.webmanifest': 'application/manifest+json',
  '.txt': 'text/plain; charset=utf-8',
};
const isText = (name) => ['.html', '.js', '.css', '.svg', '.webmanifest', '.txt'].includes(extname(name));

const files = [];
function keep(name, bytes, isImmutable) {
  const sizes = { path: `/${name}`, type: types[extname(name)], immutable: isImmutable, bytes: bytes.length };
  writeFileSync(join(fresh, name), bytes);
  if (isText(name)) {
    const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
    writeFileSync(join(fresh, `${name}.br`), brotli);
    writeFileSync(join(fresh, `${name}.gz`), gzipSync(bytes, { level: 9 }));
    sizes.brotli = brotli.length;
  }
  files.push(sizes);
  return sizes;
}
function keepHashed(name, bytes) {
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 10);
  const extension = extname(name);
  return keep(`${name.slice(0, -extension.length)}-${hash}${extension}`, bytes, true);
}

async function bundle() {
  const result = await build({
    absWorkingDir: here,
    entryPoints: { app: 'src/main.tsx', style: 'src/style.css' },
    outdir: fresh,
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    target: ['chrome100', 'firefox102', 'safari16'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    loader: { '.woff2': 'file' },
    assetNames: '[name]-[hash]',
    publicPath: '/',
    legalComments: 'none',
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  const names = {};
  for (const output of result.outputFiles) {
    const bytes = Buffer.from(output.contents);
    const base = output.path.slice(fresh.length + 1);
    if (base === 'app.js') names.script = keepHashed('app.js', bytes);
    else if (base === 'style.css') names.style = keepHashed('app.css', bytes);
    else keep(base, bytes, true);
  }
  return names;
}

rmSync(fresh, { recursive: true, force: true });
mkdirSync(fresh, { recursive: true });
const { script, style } = await bundle();
for (const name of readdirSync(join(here, 'public'))) {
  let bytes = readFileSync(join(here, 'public', name));
  if (name === 'index.html') {
    bytes = Buffer.from(String(bytes).replace('/app.js', script.path).replace('/app.css', style.path));
  }
  keep(name, bytes, false);
}
writeFileSync(join(fresh, 'files.json'), JSON.stringify(files, null, 1));
rmSync(dist, { recursive: true, force: true });
if (!existsSync(dist)) renameSync(fresh, dist);

let isOver = false;
for (const file of [script, style]) {
  const limit = budget[extname(file.path)];
  console.log(`${file.path}  ${file.bytes} bytes, ${file.brotli} brotli (budget ${limit})`);
  if (file.brotli > limit) isOver = true;
}
if (isOver) {
  console.error('build: over the byte budget');
  process.exit(1);
}
