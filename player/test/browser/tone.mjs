// SPDX-License-Identifier: GPL-3.0-or-later
// tone: a tone with a little noise under it: a click, a hole or a dip would stand out.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RATE, wav } from '../fixture/music.mjs';
import { middle } from './listening.mjs';

const HZ = 441;
/** A WAV file of so many seconds. */
export function toneFile(scratch, seconds) {
  const path = join(scratch, `tone-${seconds}.wav`);
  const pcm = new Int16Array(seconds * RATE * 2);
  let seed = 7;
  for (let i = 0; i < seconds * RATE; i++) {
    for (let c = 0; c < 2; c++) {
      seed = (Math.imul(seed, 1103515245) + 12345) | 0;
      pcm[i * 2 + c] = Math.round(Math.sin((i * HZ * 2 * Math.PI) / RATE) * 9000 + ((seed >> 16) % 64));
    }
  }
  writeFileSync(path, wav(pcm));
  return path;
}

/** Of each 10 ms: how loud, and the worst deviation from a sine (x[n+1] + x[n-1] = 2 cos(w) x[n]). */
function anatomy(samples, toS) {
  const step = RATE / 100;
  const turn = 2 * Math.cos((HZ * 2 * Math.PI) / RATE);
  const out = [];
  for (let at = 1; at + step < Math.min(samples.length, toS * RATE); at += step) {
    let power = 0;
    let worst = 0;
    for (let i = at; i < at + step; i++) {
      power += samples[i] ** 2;
      worst = Math.max(worst, Math.abs(samples[i + 1] + samples[i - 1] - turn * samples[i]));
    }
    out.push({ at: at / RATE, loud: Math.sqrt(power / step), worst });
  }
  return out;
}

const SETTLED_S = 8; // ffmpeg's aac-64 of a tone wavers for its first two segments

/** Where these renditions of a track waver by themselves at first, each decoded alone by ffmpeg: the encoder's doing, not the
 *  player's.  Down to smaller ones than count as flaws: decoders differ a little. */
export function flawsOfEncoder(scratch, { manifest, files }) {
  const path = join(scratch, 'alone.mp4');
  return manifest.renditions.flatMap(({ name, generation, segments }) => {
    const folder = `${name}.${generation}`;
    writeFileSync(path, Buffer.concat(['init.mp4', ...segments.map((_, i) => `${i}.m4s`)].map((file) => files[`${folder}/${file}`])));
    const pcm = execFileSync('ffmpeg', ['-loglevel', 'error', '-i', path, '-af', 'pan=mono|c0=c0', '-f', 'f32le', '-'], { maxBuffer: 1 << 28 });
    const samples = new Float32Array(pcm.buffer.slice(pcm.byteOffset, pcm.byteOffset + pcm.length));
    return flaws(samples, samples.length / RATE - 0.2, 0.3).filter(({ at }) => at < SETTLED_S).map(({ at }) => ({ name, at }));
  });
}

/** Dips, swells and clicks, with their second. */
export function flaws(samples, toS, mostDb = 0.5) {
  const found = anatomy(samples, toS).slice(20);
  const loud = middle(found.map((one) => one.loud));
  const worst = middle(found.map((one) => one.worst));
  return found.filter((one) => Math.abs(20 * Math.log10(one.loud / loud)) > mostDb || one.worst > worst * 4 + 0.01);
}
