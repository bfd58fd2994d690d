// SPDX-License-Identifier: GPL-3.0-or-later
// proof: this browser's key, and proofs that it has it (DPoP, RFC 9449; docs/formats/player-api.md).  The private key cannot be
// read by any script, ours included.  Without crypto.subtle (plain http) or a disk that keeps the key there are no proofs, and
// sessions live on the cookie.
import { toBase64 } from '../model/signed';
import { isDurable, keep, kept } from './journal';
import { originOf } from './nodes';
import { serverNow } from './server-clock';
import { newUid } from './uid';

const KIND = { name: 'ECDSA', namedCurve: 'P-256' } as const;

async function browserKey(): Promise<CryptoKeyPair | null> {
  const subtle = globalThis.crypto.subtle as SubtleCrypto | undefined;
  if (!subtle) return null;
  const found = await kept<CryptoKeyPair>('browser-key');
  if (found) return found;
  const made = await subtle.generateKey(KIND, false, ['sign', 'verify']);
  await keep('browser-key', made);
  return isDurable.value ? made : null;
}

const text = (value: object): string => toBase64(new TextEncoder().encode(JSON.stringify(value)));

/** The value of a DPoP field for this POST, or null when this browser has no key. */
export async function prove(path: string, nonce = ''): Promise<string | null> {
  const key = await browserKey().catch(() => null);
  if (!key) return null;
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', key.publicKey);
  const header = text({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } });
  const iat = Math.floor(serverNow() / 1000);
  const claims = text({ jti: newUid(), htm: 'POST', htu: originOf() + path, iat, ...(nonce && { nonce }) });
  const message = new TextEncoder().encode(`${header}.${claims}`);
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key.privateKey, message);
  return `${header}.${claims}.${toBase64(new Uint8Array(signature))}`;
}
