// SPDX-License-Identifier: GPL-3.0-or-later
// cloth: the binding of an album that brought no picture: one of a few quiet colours, the same for the same name.

/** Felt, lacquer, leather and linen; ivory letters stand on each with a contrast of at least 5. */
const CLOTHS = ['#74313a', '#2d4a45', '#2f3f5c', '#6b4a1f', '#4f3557', '#3c4148', '#5a3a2c', '#3d4a2b', '#23505c', '#633149'];

export function clothOf(name: string): string {
  let sum = 7;
  for (let i = 0; i < name.length; i++) sum = (Math.imul(sum, 31) + name.charCodeAt(i)) | 0;
  return CLOTHS[(sum >>> 3) % CLOTHS.length] as string;
}
