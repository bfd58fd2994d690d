// SPDX-License-Identifier: GPL-3.0-or-later
// uid: 128 random bits as 22 characters of base64url, as devices, playlists and entries are named.

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

export function uidText(bytes: Uint8Array): string {
  let text = '';
  for (let bit = 0; bit < 128; bit += 6) {
    const at = bit >> 3;
    const pair = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    text += LETTERS[(pair >> (10 - (bit & 7))) & 63];
  }
  return text;
}

export function newUid(): string {
  return uidText(crypto.getRandomValues(new Uint8Array(16)));
}
