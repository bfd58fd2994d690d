// SPDX-License-Identifier: GPL-3.0-or-later
// Builds dist/: one page, its scripts and one style sheet with hashed names, the font and the icons, every text file also
// as .gz and .br.  The page's script and whatever it imports at once is the first load, which has a budget; views that are
// imported later have their own.  dist/files.json says how each file may be cached; embed.py reads it.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const fresh = join(here, 'dist.new');
const dist = join(here, 'dist');
const budget = { first: 40 * 1024, later: 24 * 1024, style: 10 * 1024 }; // brotli bytes

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
/** The scripts that this one imports at once, itself first. */
function closure(outputs, path, found = new Set()) {
  if (found.has(path)) return found;
  found.add(path);
  for (const one of outputs[path].imports) if (one.kind === 'import-statement') closure(outputs, one.path, found);
  return found;
}

async function bundle() {
  const result = await build({
    absWorkingDir: here,
    entryPoints: { app: 'src/main.tsx', style: 'src/style.css' },
    outdir: fresh,
    bundle: true,
    splitting: true,
    write: false,
    metafile: true,
    minify: true,
    format: 'esm',
    target: ['chrome100', 'firefox102', 'safari16'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    loader: { '.woff2': 'file' },
    entryNames: '[name]-[hash]',
    chunkNames: 'part-[hash]',
    assetNames: '[name]-[hash]',
    publicPath: '/',
    legalComments: 'none',
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  const kept = {};
  for (const output of result.outputFiles) {
    kept[relative(here, output.path)] = keep(relative(fresh, output.path), Buffer.from(output.contents), true);
  }
  const { outputs } = result.metafile;
  const entry = (source) => Object.keys(outputs).find((path) => outputs[path].entryPoint === source);
  const first = [...closure(outputs, entry('src/main.tsx'))];
  const later = Object.keys(outputs).filter((path) => path.endsWith('.js') && !first.includes(path));
  const filesOf = (paths) => paths.map((path) => kept[path]);
  return { first: filesOf(first), later: filesOf(later), style: filesOf([entry('src/style.css')]) };
}

/** A script of its own, by a name of its own: each time it is begun its answer brings the policy of that moment. */
async function courier() {
  const { outputFiles } = await build({ absWorkingDir: here, entryPoints: ['src/courier-worker.ts'], bundle: true, write: false, minify: true,
                                        format: 'iife', target: ['chrome100', 'firefox102', 'safari16'], legalComments: 'none' });
  keep('courier.js', Buffer.from(outputFiles[0].contents), false);
}

function page(text, { first: [script, ...parts], style: [style] }) {
  const preloads = parts.map(({ path }) => `<link rel="modulepreload" href="${path}" />\n    `).join('');
  return text.replace('/app.css', style.path).replace('<script type="module" src="/app.js">', `${preloads}<script type="module" src="${script.path}">`);
}

rmSync(fresh, { recursive: true, force: true });
mkdirSync(fresh, { recursive: true });
const loads = await bundle();
await courier();
for (const name of readdirSync(join(here, 'public'))) {
  let bytes = readFileSync(join(here, 'public', name));
  if (name === 'index.html') bytes = Buffer.from(page(String(bytes), loads));
  keep(name, bytes, false);
}
writeFileSync(join(fresh, 'files.json'), JSON.stringify(files, null, 1));
rmSync(dist, { recursive: true, force: true });
if (!existsSync(dist)) renameSync(fresh, dist);

let isOver = false;
for (const [name, parts] of Object.entries(loads)) {
  const [bytes, brotli] = ['bytes', 'brotli'].map((size) => parts.reduce((sum, file) => sum + file[size], 0));
  console.log(`${name}: ${parts.length} files, ${bytes} bytes, ${brotli} brotli (budget ${budget[name]})`);
  if (brotli > budget[name]) isOver = true;
}
if (isOver) {
  console.error('build: over the byte budget');
  process.exit(1);
}
