// SPDX-License-Identifier: GPL-3.0-or-later
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { command, isDurable, unsent } from '../data/journal';
import { explain } from '../data/problem';
import { isExposed, person, session, signOut, token } from '../data/session';
import { Button, Choice, Field, Heading } from '../parts/basics';
import { KeyTable } from '../parts/keys';
import { Section } from '../parts/section';
import { count } from '../model/words';
import { say } from '../state/notices';
import { route } from '../state/route';
import { change, settings } from '../state/settings';
import { AppsSection } from './settings-apps';
import { LibrarySection, PeopleSection } from './settings-admin';
import { DevicesSection } from './settings-devices';
import { PasskeysSection } from './settings-passkeys';

function Looks(): JSX.Element {
  return (
    <Section title="This device">
      <Choice
        label="Light"
        value={settings.value.theme}
        options={[['system', 'As the system'], ['light', 'Light'], ['dark', 'Dark']]}
        onChange={(theme) => change({ theme })}
      />
      <Choice
        label="Loudness"
        value={settings.value.gain}
        options={[['album', 'Level albums'], ['track', 'Level songs'], ['off', 'As recorded']]}
        onChange={(gain) => change({ gain })}
      />
      <Choice
        label="Playing"
        value={settings.value.way ?? 'gapless'}
        options={[['gapless', 'Without gaps'], ['plain', 'The file itself']]}
        onChange={(way) => change({ way })}
      />
      {!isDurable.value && <p class="form-error">This browser keeps nothing: queue and changes end with this page.</p>}
      {unsent.value > 0 && <p class="muted">{count(unsent.value, 'change')} wait here for the server.</p>}
    </Section>
  );
}

function Password(): JSX.Element {
  const [now, setNow] = useState('');
  const [next, setNext] = useState('');
  const [error, setError] = useState('');
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      await command('PUT', '/api/v1/me/password', { current: now, new: next }, await token());
      setNow('');
      setNext('');
      setError('');
      isExposed.value = false;
      say('The password is changed');
    } catch (thrown) {
      setError(explain(thrown));
    }
  };
  return (
    <details open={isExposed.value === true || route.value.search.has('password')}>
      <summary>Change the password</summary>
      <form onSubmit={(event) => void submit(event)}>
        <Field label="Current password" type="password" value={now} onInput={setNow} autocomplete="current-password" />
        <Field label="New password" type="password" value={next} onInput={setNext} autocomplete="new-password" />
        <p class="form-error" role="alert">
          {error}
        </p>
        <Button type="submit">Change</Button>
      </form>
    </details>
  );
}

export function SettingsView(): JSX.Element {
  const { server } = session.value ?? {};
  return (
    <div class="settings">
      <Heading>Settings</Heading>
      <Section title={person.value?.name ?? 'You'}>
        <Password />
        <Button onClick={() => void signOut()}>Sign out</Button>
      </Section>
      <DevicesSection />
      <PasskeysSection />
      <Looks />
      <AppsSection />
      {person.value?.isAdmin && <LibrarySection />}
      {person.value?.isAdmin && <PeopleSection />}
      <Section title="Keyboard">
        <KeyTable />
      </Section>
      {server && (
        <p class="muted colophon">
          {server.name} · Sostenuto {server.version} · free software under the GPL, version 3 or later
        </p>
      )}
    </div>
  );
}
