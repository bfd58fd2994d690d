// SPDX-License-Identifier: GPL-3.0-or-later
// passkeys: between WebAuthn's buffers and the JSON of docs/formats/player-api.md, and signing in by one.
import { fromBase64, toBase64 } from '../model/signed';
import { command } from './journal';
import { prove } from './proof';
import { adopt, type Session } from './session';

interface Descriptor {
  type: 'public-key';
  id: string;
}
export interface Options {
  challenge: string;
  user?: { id: string; name: string; displayName: string };
  excludeCredentials?: Descriptor[];
  allowCredentials?: Descriptor[];
}
export interface Answer {
  id: string;
  response: Record<string, string>;
}

const bytes = (list: Descriptor[] | undefined): object[] => (list ?? []).map((one) => ({ ...one, id: fromBase64(one.id) }));

function read(options: Options): object {
  const { user } = options;
  return {
    ...options,
    challenge: fromBase64(options.challenge),
    ...(user && { user: { ...user, id: fromBase64(user.id) } }),
    excludeCredentials: bytes(options.excludeCredentials),
    allowCredentials: bytes(options.allowCredentials),
  };
}

const written = (data: ArrayBuffer): string => toBase64(new Uint8Array(data));

/** A browser does not tell "none fits" from "they would not". */
function why(error: unknown): unknown {
  const isRefused = error instanceof DOMException && error.name === 'NotAllowedError';
  return isRefused ? new Error(`No passkey was used. One that was made at another address may not fit ${location.hostname}.`) : error;
}

async function usePasskey(options: Options): Promise<Answer> {
  const found = (await navigator.credentials.get({ publicKey: read(options) as PublicKeyCredentialRequestOptions })) as PublicKeyCredential;
  const { clientDataJSON, authenticatorData, signature, userHandle } = found.response as AuthenticatorAssertionResponse;
  return {
    id: found.id,
    response: {
      clientDataJSON: written(clientDataJSON),
      authenticatorData: written(authenticatorData),
      signature: written(signature),
      ...(userHandle && { userHandle: written(userHandle) }),
    },
  };
}

/** Asks the person's authenticator for a new passkey.  Throws DOMException when they would not. */
export async function createPasskey(options: Options): Promise<Answer> {
  const made = (await navigator.credentials.create({ publicKey: read(options) as PublicKeyCredentialCreationOptions })) as PublicKeyCredential;
  const response = made.response as AuthenticatorAttestationResponse;
  const { clientDataJSON } = response;
  return { id: made.id, response: { clientDataJSON: written(clientDataJSON), authenticatorData: written(response.getAuthenticatorData()) } };
}

export async function signInByPasskey(): Promise<void> {
  const path = '/api/v1/session/passkey';
  const { publicKey } = await command<{ publicKey: Options }>('POST', `${path}/options`, {}, null);
  adopt(await command<Session>('POST', path, await usePasskey(publicKey).catch((error: unknown) => Promise.reject(why(error))), null, prove));
}
