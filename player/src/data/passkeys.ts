// SPDX-License-Identifier: GPL-3.0-or-later
// passkeys: between WebAuthn's buffers and the JSON of docs/formats/player-api.md.
import { fromBase64, toBase64 } from '../model/signed';

interface Descriptor {
  type: 'public-key';
  id: string;
}
interface Options {
  challenge: string;
  user?: { id: string; name: string; displayName: string };
  excludeCredentials?: Descriptor[];
  allowCredentials?: Descriptor[];
}
export interface Answer {
  id: string;
  response: Record<string, string>;
}

/** Passkeys belong to a name: not to an address, and not to plain http. */
export const hasPasskeys = (): boolean =>
  isSecureContext && 'PublicKeyCredential' in globalThis && !/^[\d.]+$|:/.test(location.hostname);

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

/** Asks the person's authenticator for a new passkey.  Throws DOMException when they would not. */
export async function createPasskey(options: Options): Promise<Answer> {
  const made = (await navigator.credentials.create({ publicKey: read(options) as PublicKeyCredentialCreationOptions })) as PublicKeyCredential;
  const response = made.response as AuthenticatorAttestationResponse;
  const { clientDataJSON } = response;
  return { id: made.id, response: { clientDataJSON: written(clientDataJSON), authenticatorData: written(response.getAuthenticatorData()) } };
}

export async function usePasskey(options: Options): Promise<Answer> {
  const found = (await navigator.credentials.get({ publicKey: read(options) as PublicKeyCredentialRequestOptions })) as PublicKeyCredential;
  const { clientDataJSON, authenticatorData, signature } = found.response as AuthenticatorAssertionResponse;
  return {
    id: found.id,
    response: { clientDataJSON: written(clientDataJSON), authenticatorData: written(authenticatorData), signature: written(signature) },
  };
}
