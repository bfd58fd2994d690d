// SPDX-License-Identifier: GPL-3.0-or-later
// settings-passkeys: signing in by fingerprint, face or a key on the ring, in place of the password.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { command } from '../data/journal';
import { api } from '../data/objects';
import { createPasskey } from '../data/passkeys';
import { explain } from '../data/problem';
import { hasPasskeys, token } from '../data/session';
import { day } from '../model/words';
import { Answer, Button, Field } from '../parts/basics';
import { showDialog } from '../parts/dialog';
import { Confirm } from '../parts/dialogs';
import { Section } from '../parts/section';
import { say } from '../state/notices';
import { outdate, useRead } from '../state/reads';

interface Passkey {
  id: string;
  label: string;
  createdAt: number;
  lastUsedAt: number | null;
}

const PATH = '/api/v1/passkeys';

async function add(label: string): Promise<void> {
  const { publicKey } = await command<{ publicKey: Parameters<typeof createPasskey>[0] }>('POST', `${PATH}/options`, {}, await token());
  const made = await createPasskey(publicKey);
  await command('POST', PATH, { ...made, label }, await token());
}

function askRemove({ id, label }: Passkey): void {
  const remove = async (): Promise<void> => {
    await command('DELETE', `${PATH}/${encodeURIComponent(id)}`, undefined, await token()).catch((error: unknown) => say(explain(error), true));
    outdate('passkeys');
  };
  showDialog(
    <Confirm
      title={`Remove “${label}”?`}
      text="It no longer signs in here. Your device may still offer it: remove it there too."
      action="Remove"
      onDone={() => void remove()}
    />,
  );
}

function NewPasskey(): JSX.Element {
  const [label, setLabel] = useState('');
  const [error, setError] = useState('');
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      await add(label.trim() || 'Passkey');
      setLabel('');
      setError('');
      say('The passkey signs you in from now on');
      outdate('passkeys');
    } catch (thrown) {
      const isRefused = thrown instanceof DOMException && thrown.name === 'NotAllowedError';
      setError(isRefused ? 'No passkey was made.' : explain(thrown));
    }
  };
  return (
    <>
      <form class="inline-form" onSubmit={(event) => void submit(event)}>
        <Field label="Name of a new passkey" value={label} onInput={setLabel} hint="Only for you to recognise: “Laptop”." />
        <Button type="submit">Add a passkey</Button>
      </form>
      <p class="form-error" role="alert">
        {error}
      </p>
    </>
  );
}

export function PasskeysSection(): JSX.Element | null {
  const passkeys = useRead('passkeys', () => api<Passkey[]>(PATH));
  if (!hasPasskeys()) return null;
  return (
    <Section title="Passkeys">
      <Answer of={passkeys} name="passkeys">
        {(all) => (
          <ul class="rows">
            {all.map((passkey) => (
              <li key={passkey.id}>
                <span>{passkey.label}</span>
                <span class="muted">{passkey.lastUsedAt ? `last used ${day(passkey.lastUsedAt)}` : `since ${day(passkey.createdAt)}, not used yet`}</span>
                <Button onClick={() => askRemove(passkey)}>Remove</Button>
              </li>
            ))}
          </ul>
        )}
      </Answer>
      <NewPasskey />
    </Section>
  );
}
