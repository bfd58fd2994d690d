// SPDX-License-Identifier: GPL-3.0-or-later
// One recording cut into tracks at odd sample offsets, played by the real scheduling, must be the recording again.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeMusic, makeParts, CUTS, RATE, recording } from '../fixture/music.mjs';
import { bundled, done, launch, ok, pageWith } from '../harness.mjs';

const scratch = mkdtempSync(join(tmpdir(), 'sostenuto-gapless-'));
const music = makeMusic(process.env.PLAYER_MUSIC ?? join(tmpdir(), 'sostenuto-player-music'));
const pcm = recording();
writeFileSync(join(scratch, 'source.pcm'), Buffer.from(pcm.buffer));

execFileSync('flac', ['-s', '-f', '--endian=little', '--sign=signed', '--channels=2', '--bps=16', `--sample-rate=${RATE}`,
                      '-o', join(scratch, 'whole.flac'), join(scratch, 'source.pcm')]);

const folder = join(music, 'Odd Offsets', 'The Cut');
const parts = CUTS.slice(1).map((_, i) => String(i + 1).padStart(2, '0'));
const files = { '/source.pcm': join(scratch, 'source.pcm'), '/whole.flac': join(scratch, 'whole.flac') };
for (const part of parts) files[`/${part}.flac`] = join(folder, `${part}.flac`);
makeParts(scratch).forEach((path, i) => (files[`/${parts[i]}.wav`] = path));
const formats = ['1 mp3.mp3', '2 ogg.ogg', '3 opus.opus', '4 m4a.m4a', '6 wav.wav', '7 flac.flac'];
for (const name of formats) files[`/${name}`] = join(music, 'Various', 'Every Format', name);

const browser = await launch();
try {
  const page = await pageWith(browser, files, await bundled('test/browser/render.ts'));
  const compare = (kind, first, from) =>
    page.evaluate(([addresses, rate, at]) => globalThis.gapless.compare(addresses, '/source.pcm', rate, at),
                  [parts.slice(first).map((part) => `/${part}.${kind}`), RATE, from]);

  const flac = await compare('flac', 0, 0);
  ok(flac.differ === 0, `${parts.length} FLAC tracks are the recording, sample for sample (${flac.total} frames)`, flac);
  const wav = await compare('wav', 0, 0);
  ok(wav.differ === 0, 'WAV tracks too', wav);
  for (const from of [1, 4096, 44099]) {
    const sought = await compare('flac', 0, from);
    ok(sought.differ === 0, `after a seek to sample ${from} of the first track the rest is exact`, sought);
  }

  for (const from of [200_003, 600_011, 880_999]) {
    const sought = await page.evaluate(([rate, at]) => globalThis.gapless.compare(['/whole.flac'], '/source.pcm', rate, at), [RATE, from]);
    ok(sought.differ === 0, `a seek to sample ${from} of a long track lands on that sample`, sought);
  }

  const lengths = await page.evaluate((names) => globalThis.gapless.lengths(names.map((name) => `/${name}`), [44100, 44100, 48000, 44100, 44100, 44100]), formats);
  const named = Object.fromEntries(formats.map((name, i) => [name.split('.')[1], lengths[i]]));
  ok(named.flac === 6 * RATE && named.wav === 6 * RATE, 'lossless files decode to their exact length', named);
  ok(named.ogg === 6 * RATE, 'Vorbis is trimmed to its exact length', named);
  ok(Math.abs(named.opus - 6 * 48000) <= 1, 'Opus is trimmed to its length', named);
  ok(named.mp3 === 6 * RATE, 'MP3 with a LAME header is trimmed to its exact length', named);
  console.log(`# ${JSON.stringify(named)}`);
} finally {
  await browser.close();
  rmSync(scratch, { recursive: true });
}
done();
