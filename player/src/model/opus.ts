// SPDX-License-Identifier: GPL-3.0-or-later
// opus: the initialisation of Opus (ISO BMFF `dOps`) so that a browser's decoder gives a track's own samples, all of them.
//
// Browsers take the pre-skip off a decoder's first samples although the edit list has taken them off already.  And they begin
// a new decoder only for what differs; one that goes on from a track to the next is 10 dB off for 80 ms.

const NAME = [0x64, 0x4f, 0x70, 0x73]; // dOps: u8 version, u8 channels, u16 pre-skip, u32 rate, i16 gain in 1/256 dB
const [PRE_SKIP, GAIN] = [6, 12]; // from the name

/** The same, verified before, with a pre-skip of 0.  Another `turn` (0 or 1: of 1/256 dB) is another decoder. */
export function opusInit(init: Uint8Array<ArrayBuffer>, turn: 0 | 1): Uint8Array<ArrayBuffer> {
  const made = init.slice();
  const at = made.findIndex((_, i) => NAME.every((byte, n) => made[i + n] === byte));
  if (at < 0 || at + GAIN + 2 > made.length) return made;
  const view = new DataView(made.buffer);
  view.setUint16(at + PRE_SKIP, 0);
  view.setInt16(at + GAIN, view.getInt16(at + GAIN) + turn);
  return made;
}
