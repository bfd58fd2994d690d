// SPDX-License-Identifier: GPL-3.0-or-later
// set-up: the first listener of a server, with the code that its terminal shows.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { setUp } from '../data/session';
import { Button, Field } from '../parts/basics';
import { server } from '../state/boot';
import { GateFrame, useSubmit } from './gate';

export function SetUp(): JSX.Element {
  const [code, setCode] = useState('');
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const { error, isBusy, submit } = useSubmit(async () => {
    await setUp(code.trim(), name.trim(), password);
    if (server.value) server.value = { ...server.value, needsSetup: false };
  });
  return (
    <GateFrame title="Welcome">
      <p>
        This server has no listener yet. The terminal in which it runs shows a code, so that nobody but you becomes its
        first.
      </p>
      <form onSubmit={submit}>
        <Field label="Code from the terminal" value={code} onInput={setCode} autocomplete="one-time-code" autoFocus />
        <Field label="Your name" value={name} onInput={setName} autocomplete="username" />
        <Field
          label="Password"
          type="password"
          value={password}
          onInput={setPassword}
          autocomplete="new-password"
          hint="A few words in a row are strong and easy to remember."
        />
        <p class="form-error" role="alert">
          {error}
        </p>
        <Button kind="strong" type="submit" disabled={isBusy}>
          Begin
        </Button>
      </form>
    </GateFrame>
  );
}
