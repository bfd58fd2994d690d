// SPDX-License-Identifier: GPL-3.0-or-later
// qr: a QR code (ISO/IEC 18004) for short texts: byte mode, level M, versions 1 to 6, mask chosen by penalty.

const CAPACITY = [0, 14, 26, 42, 62, 84, 106]; // bytes of text at level M
const ECC_PER_BLOCK = [0, 10, 16, 26, 18, 24, 16];
const BLOCKS = [0, 1, 1, 1, 2, 2, 4];
const TOTAL = [0, 26, 44, 70, 100, 134, 172]; // codewords

type Grid = (boolean | null)[][];

function multiply(x: number, y: number): number {
  let z = 0;
  for (let i = 7; i >= 0; i--) {
    z = (z << 1) ^ ((z >>> 7) * 0x11d);
    z ^= ((y >>> i) & 1) * x;
  }
  return z & 255;
}

function generator(degree: number): number[] {
  const out = Array<number>(degree - 1).fill(0).concat(1);
  let root = 1;
  for (let i = 0; i < degree; i++) {
    for (let j = 0; j < degree; j++) {
      out[j] = multiply(out[j] as number, root) ^ (j + 1 < degree ? (out[j + 1] as number) : 0);
    }
    root = multiply(root, 2);
  }
  return out;
}

function remainder(data: readonly number[], divisor: readonly number[]): number[] {
  const out = divisor.map(() => 0);
  for (const byte of data) {
    const factor = byte ^ (out.shift() as number);
    out.push(0);
    divisor.forEach((coefficient, i) => (out[i] = (out[i] as number) ^ multiply(coefficient, factor)));
  }
  return out;
}

function codewords(text: Uint8Array, version: number): number[] {
  const bits: number[] = [];
  const put = (value: number, count: number): void => {
    for (let i = count - 1; i >= 0; i--) bits.push((value >>> i) & 1);
  };
  const blocks = BLOCKS[version] as number;
  const ecc = ECC_PER_BLOCK[version] as number;
  const room = ((TOTAL[version] as number) - blocks * ecc) * 8;
  put(4, 4);
  put(text.length, 8);
  for (const byte of text) put(byte, 8);
  put(0, Math.min(4, room - bits.length));
  put(0, (8 - (bits.length % 8)) % 8);
  for (let pad = 0xec; bits.length < room; pad ^= 0xec ^ 0x11) put(pad, 8);
  const bytes = Array.from({ length: bits.length / 8 }, (_, i) => parseInt(bits.slice(i * 8, i * 8 + 8).join(''), 2));
  return interleave(bytes, blocks, ecc);
}

function interleave(bytes: readonly number[], blocks: number, ecc: number): number[] {
  const short = Math.floor(bytes.length / blocks);
  const longFrom = blocks - (bytes.length % blocks);
  const divisor = generator(ecc);
  const data: number[][] = [];
  for (let i = 0, at = 0; i < blocks; i++) {
    const size = short + (i >= longFrom ? 1 : 0);
    data.push(bytes.slice(at, (at += size)));
  }
  const checks = data.map((block) => remainder(block, divisor));
  const out: number[] = [];
  for (const set of [data, checks]) {
    for (let i = 0; i < Math.max(...set.map((block) => block.length)); i++) {
      for (const block of set) if (i < block.length) out.push(block[i] as number);
    }
  }
  return out;
}

const put = (grid: Grid, x: number, y: number, dark: boolean): void => void ((grid[y] as (boolean | null)[])[x] = dark);
const get = (grid: Grid, x: number, y: number): boolean | null | undefined => grid[y]?.[x];

function patterns(version: number): Grid {
  const size = 17 + 4 * version;
  const grid: Grid = Array.from({ length: size }, () => Array<boolean | null>(size).fill(null));
  for (let i = 0; i < size; i++) {
    put(grid, 6, i, i % 2 === 0);
    put(grid, i, 6, i % 2 === 0);
  }
  for (const [cx, cy] of [[3, 3], [size - 4, 3], [3, size - 4]] as const) {
    for (let dy = -4; dy <= 4; dy++) {
      for (let dx = -4; dx <= 4; dx++) {
        const ring = Math.max(Math.abs(dx), Math.abs(dy));
        if (get(grid, cx + dx, cy + dy) !== undefined) put(grid, cx + dx, cy + dy, ring !== 2 && ring !== 4);
      }
    }
  }
  if (version > 1) {
    const c = size - 7;
    for (let dy = -2; dy <= 2; dy++) {
      for (let dx = -2; dx <= 2; dx++) put(grid, c + dx, c + dy, Math.max(Math.abs(dx), Math.abs(dy)) !== 1);
    }
  }
  return grid;
}

function formatBits(grid: Grid, mask: number): void {
  const size = grid.length;
  let rest = mask; // level M is 00
  for (let i = 0; i < 10; i++) rest = (rest << 1) ^ ((rest >>> 9) * 0x537);
  const bits = ((mask << 10) | rest) ^ 0x5412;
  const bit = (i: number): boolean => ((bits >>> i) & 1) !== 0;
  for (let i = 0; i <= 5; i++) put(grid, 8, i, bit(i));
  put(grid, 8, 7, bit(6));
  put(grid, 8, 8, bit(7));
  put(grid, 7, 8, bit(8));
  for (let i = 9; i < 15; i++) put(grid, 14 - i, 8, bit(i));
  for (let i = 0; i < 8; i++) put(grid, size - 1 - i, 8, bit(i));
  for (let i = 8; i < 15; i++) put(grid, 8, size - 15 + i, bit(i));
  put(grid, 8, size - 8, true);
}

const MASKS: readonly ((x: number, y: number) => boolean)[] = [
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

/** Two columns at a time from the right, up and down by turns, around what is drawn already. */
function fill(grid: Grid, words: readonly number[], mask: number): void {
  const size = grid.length;
  let bit = 0;
  for (let right = size - 1; right >= 1; right -= 2) {
    if (right === 6) right = 5;
    for (let step = 0; step < size; step++) {
      const y = ((right + 1) & 2) === 0 ? size - 1 - step : step;
      for (const x of [right, right - 1]) {
        if (get(grid, x, y) !== null) continue;
        const dark = (((words[bit >>> 3] ?? 0) >>> (7 - (bit & 7))) & 1) === 1;
        bit += 1;
        put(grid, x, y, dark !== (MASKS[mask] as (x: number, y: number) => boolean)(x, y));
      }
    }
  }
}

/** Runs and imbalance; enough to avoid the worst masks. */
function penalty(grid: Grid): number {
  const size = grid.length;
  let score = 0;
  let dark = 0;
  for (let a = 0; a < size; a++) {
    for (const at of [(b: number) => get(grid, b, a), (b: number) => get(grid, a, b)]) {
      let run = 0;
      for (let b = 0; b < size; b++) {
        run = b > 0 && at(b) === at(b - 1) ? run + 1 : 1;
        if (run === 5) score += 3;
        else if (run > 5) score += 1;
      }
    }
    for (let b = 0; b < size; b++) if (get(grid, a, b)) dark += 1;
  }
  return score + Math.floor(Math.abs(dark * 20 - size * size * 10) / (size * size)) * 10;
}

/** Rows of dark modules, or null when the text is too long. */
export function qr(text: string): boolean[][] | null {
  const bytes = new TextEncoder().encode(text);
  const version = CAPACITY.findIndex((room, i) => i > 0 && bytes.length <= room);
  if (version < 0) return null;
  const words = codewords(bytes, version);
  let best: { grid: Grid; score: number } | null = null;
  for (let mask = 0; mask < 8; mask++) {
    const grid = patterns(version);
    formatBits(grid, mask);
    fill(grid, words, mask);
    const score = penalty(grid);
    if (!best || score < best.score) best = { grid, score };
  }
  return best ? best.grid.map((row) => row.map(Boolean)) : null;
}

/** One path of unit squares, with the quiet zone of four around it. */
export function qrPath(modules: readonly (readonly boolean[])[]): string {
  return modules
    .flatMap((row, y) => row.map((dark, x) => (dark ? `M${x + 4} ${y + 4}h1v1h-1z` : '')))
    .join('');
}
