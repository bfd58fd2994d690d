// SPDX-License-Identifier: GPL-3.0-or-later
// manifests: what the pieces of a track are, verified.
//
// Contract: the root key is believed because the page's own origin tells it, over the connection that also brought this
// code; from then on, for the life of the page, manifests must be signed by a key that the root signed, whichever node they
// come from.  A browser without Ed25519 (or a page without crypto.subtle: plain http) checks only the digest of the body and
// trusts the connection.  This device's clock decides nothing: it may be a year wrong.  Versions never go backwards.
import { BadManifest, readManifest, type Manifest } from '../model/manifest';
import { sha256 } from '../model/sha256';
import { BadObject, fromBase64, takeApart, toBase64, type Signed } from '../model/signed';
import { setNodes } from './nodes';
import { openObject } from './objects';
import { problemOf } from './problem';

const MOST_HELD = 64;

/** base64url without padding. */
export async function digestOf(data: Uint8Array<ArrayBuffer>): Promise<string> {
  const { subtle } = globalThis.crypto;
  return toBase64(subtle ? new Uint8Array(await subtle.digest('SHA-256', data)) : sha256(data));
}

async function read(path: string, signal: AbortSignal, isFresh: boolean): Promise<Signed> {
  const response = await openObject(path, signal, isFresh);
  if (!response.ok) throw await problemOf(response);
  const found = takeApart(new Uint8Array(await response.arrayBuffer()));
  if (found.name !== path) throw new BadObject('The object is another one.');
  if ((await digestOf(found.body)) !== toBase64(found.digest)) throw new BadObject('The object is damaged.');
  return found;
}

const json = ({ body }: Signed): unknown => JSON.parse(new TextDecoder().decode(body));

async function isSignedBy(found: Signed, publicKey: string): Promise<boolean> {
  const key = await crypto.subtle.importKey('raw', fromBase64(publicKey), 'Ed25519', false, ['verify']);
  return crypto.subtle.verify('Ed25519', key, found.signature, found.message);
}

let canVerify: Promise<boolean> | null = null;

function hasEd25519(): Promise<boolean> {
  canVerify ??= (async () => {
    try {
      await crypto.subtle.importKey('raw', new Uint8Array(32), 'Ed25519', false, ['verify']);
      return true;
    } catch {
      return false;
    }
  })();
  return canVerify;
}

let root = '';
let keys = new Map<string, string>(); // id → public key
let keysVersion = { epoch: -1n, number: 0n };

const isOlder = (one: { epoch: bigint; number: bigint }, than: { epoch: bigint; number: bigint }): boolean =>
  one.epoch < than.epoch || (one.epoch === than.epoch && one.number < than.number);

async function readKeys(signal: AbortSignal): Promise<void> {
  const found = await read('/keys', signal, true);
  const list = json(found) as { root?: unknown; keys?: { id?: unknown; public?: unknown }[] };
  const claimed = String(list.root ?? '');
  const id = fromBase64(await digestOf(fromBase64(claimed))).subarray(0, 8);
  if ((root && claimed !== root) || toBase64(id) !== found.key || !(await isSignedBy(found, claimed))) {
    throw new BadObject('The list of keys is not signed by this library.');
  }
  if (isOlder(found, keysVersion)) return;
  root = claimed;
  keysVersion = found;
  keys = new Map((list.keys ?? []).slice(0, 8).map((key) => [String(key.id), String(key.public)]));
}

async function verify(found: Signed, signal: AbortSignal): Promise<void> {
  if (!(await hasEd25519())) return;
  if (!keys.has(found.key)) await readKeys(signal);
  const key = keys.get(found.key);
  if (!key || !(await isSignedBy(found, key))) throw new BadObject('The object is not signed by this library.');
}

let nodesVersion = { epoch: -1n, number: 0n };

/** Reads the list of nodes, verified; what came before and is newer stays. */
export async function readNodes(signal: AbortSignal): Promise<void> {
  const found = await read('/nodes', signal, true);
  await verify(found, signal);
  if (isOlder(found, nodesVersion)) return;
  nodesVersion = found;
  setNodes((json(found) as { nodes?: unknown }).nodes);
}

interface Held {
  epoch: bigint;
  number: bigint;
  manifest: Manifest;
}

const held = new Map<string, Held>();

/** Reads (again) and verifies; throws Problem, BadObject or BadManifest. */
async function readOne(track: string, signal: AbortSignal, isFresh: boolean): Promise<Manifest> {
  const found = await read(`/m/${track}/manifest`, signal, isFresh);
  await verify(found, signal);
  const manifest = readManifest(json(found), track);
  const before = held.get(track);
  if (before && isOlder(found, before)) return before.manifest;
  held.delete(track);
  held.set(track, { epoch: found.epoch, number: found.number, manifest });
  for (const old of held.keys()) if (held.size > MOST_HELD) held.delete(old);
  return manifest;
}

/** The verified manifest.  `isAgain`: what is held is not enough.  One that does not verify is fetched once more. */
export async function manifestOf(track: string, signal: AbortSignal, isAgain = false): Promise<Manifest> {
  const found = held.get(track);
  if (found && !isAgain && !found.manifest.isProvisional) return found.manifest;
  try {
    return await readOne(track, signal, isAgain);
  } catch (error) {
    if (!(error instanceof BadObject || error instanceof BadManifest)) throw error;
    return readOne(track, signal, true);
  }
}
