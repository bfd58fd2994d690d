// SPDX-License-Identifier: GPL-3.0-or-later
// gate: what stands before the music: waiting for the server, first set-up, sign-in.
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { explain } from '../data/problem';
import { gate, hasPasskeys, signIn } from '../data/session';
import { link } from '../data/link';
import { Button, Field } from '../parts/basics';
import { Mark } from '../parts/icon';
import { lazy } from '../parts/lazy';
import { later } from '../state/later';

const SetUp = lazy('Welcome', (script) => script.SetUp);

export function GateFrame({ title, children }: { title: string; children: ComponentChildren }): JSX.Element {
  document.title = `${title} · Sostenuto`;
  return (
    <main class="gate">
      <div class="gate-mark">
        <Mark />
        <p class="wordmark">Sostenuto</p>
      </div>
      <div class="gate-body">
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  );
}

export function useSubmit(work: () => Promise<void>): { error: string; isBusy: boolean; submit: (event?: Event) => void } {
  const [error, setError] = useState('');
  const [isBusy, setBusy] = useState(false);
  const submit = (event?: Event): void => {
    event?.preventDefault();
    setBusy(true);
    setError('');
    work()
      .catch((thrown: unknown) => setError(explain(thrown)))
      .finally(() => setBusy(false));
  };
  return { error, isBusy, submit };
}

function SignIn(): JSX.Element {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const { error, isBusy, submit } = useSubmit(() => signIn(name.trim(), password));
  const passkey = useSubmit(async () => (await later()).signInByPasskey());
  return (
    <GateFrame title="Sign in">
      <form onSubmit={submit}>
        <Field label="Name" value={name} onInput={setName} autocomplete="username" autoFocus />
        <Field label="Password" type="password" value={password} onInput={setPassword} autocomplete="current-password" />
        <p class="form-error" role="alert">
          {error || passkey.error}
        </p>
        <div class="actions">
          <Button kind="strong" type="submit" disabled={isBusy}>
            Sign in
          </Button>
          {hasPasskeys() && (
            <Button onClick={() => passkey.submit()} disabled={passkey.isBusy}>
              Use a passkey
            </Button>
          )}
        </div>
      </form>
    </GateFrame>
  );
}

export function GateView(): JSX.Element {
  if (gate.value === 'setup') return <SetUp />;
  if (gate.value === 'sign-in') return <SignIn />;
  return (
    <GateFrame title={link.value.isAway ? 'The server does not answer' : 'One moment'}>
      <p role="status">
        {link.value.isAway
          ? 'Is it running, and is this device on the same network? This page goes on by itself once it answers.'
          : 'Looking for the server.'}
      </p>
      <span class="waiting-line" />
    </GateFrame>
  );
}
