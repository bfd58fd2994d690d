// SPDX-License-Identifier: GPL-3.0-or-later
// signed: the bytes of a signed object (docs/formats/signed-objects.md), taken apart strictly.

export interface Signed {
  name: string;
  epoch: bigint;
  number: bigint;
  issued: number; // Unix s
  expires: number;
  digest: Uint8Array<ArrayBuffer>; // SHA-256 of the body
  key: string; // id of the key that signed
  signature: Uint8Array<ArrayBuffer>;
  message: Uint8Array<ArrayBuffer>; // what the signature is over
  body: Uint8Array<ArrayBuffer>;
}

export class BadObject extends Error {}

const MOST_PREAMBLE = 1024;
const DECIMAL = '(0|[1-9][0-9]{0,19})';
const LINES = new RegExp(
  `^sostenuto-signed: 1\\nname: (/[!-~]{0,199})\\nversion: ${DECIMAL}\\.${DECIMAL}\\nissued: ${DECIMAL}\\nexpires: ${DECIMAL}\\n` +
    'digest: sha-256=:([A-Za-z0-9+/]{43}=):\\nkey: ([\\w-]{11})\\nsignature: ([\\w-]{86})\\n\\n$',
);

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(plain, (c) => c.charCodeAt(0));
}

/** base64url without padding. */
export function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

/** Throws BadObject.  Nothing is verified yet. */
export function takeApart(data: Uint8Array<ArrayBuffer>): Signed {
  const head = new TextDecoder('latin1').decode(data.subarray(0, MOST_PREAMBLE));
  const end = head.indexOf('\n\n') + 2;
  const found = end > 1 ? LINES.exec(head.slice(0, end)) : null;
  if (!found) throw new BadObject('The object has no good preamble.');
  const [, name, epoch, number, issued, expires, digest, key, signature] = found as unknown as string[];
  const context = new TextEncoder().encode('sostenuto object 1\0');
  const covered = data.subarray(0, head.indexOf('\nsignature: ') + 1);
  const message = new Uint8Array(context.length + covered.length);
  message.set(context);
  message.set(covered, context.length);
  return {
    name: name as string,
    epoch: BigInt(epoch as string),
    number: BigInt(number as string),
    issued: Number(issued),
    expires: Number(expires),
    digest: fromBase64(digest as string),
    key: key as string,
    signature: fromBase64(signature as string),
    message,
    body: data.slice(end),
  };
}
