// SPDX-License-Identifier: GPL-3.0-or-later
// settings-apps: other apps play this library with a secret of their own, shown once.
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { command } from '../data/journal';
import { api } from '../data/objects';
import { explain } from '../data/problem';
import { person, token } from '../data/session';
import { Answer, Button, Field } from '../parts/basics';
import { showDialog } from '../parts/dialog';
import { Confirm } from '../parts/dialogs';
import { qr, qrPath } from '../parts/qr';
import { Section } from '../parts/section';
import { day } from '../model/words';
import { say } from '../state/notices';
import { outdate, useRead } from '../state/reads';

interface App {
  id: string;
  label: string;
  createdAt: number;
  lastUsedAt?: number | null;
}

interface NewApp {
  id: string;
  label: string;
  secret: string;
}

const list = (answer: App[] | { apps: App[] }): App[] => (Array.isArray(answer) ? answer : answer.apps);
const loadApps = async (): Promise<App[]> => list(await api<App[] | { apps: App[] }>('/api/v1/apps'));

export function Qr({ text, label }: { text: string; label: string }): JSX.Element | null {
  const modules = useMemo(() => qr(text), [text]);
  if (!modules) return null;
  const size = modules.length + 8;
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label}>
      <rect width={size} height={size} />
      <path d={qrPath(modules)} shape-rendering="crispEdges" />
    </svg>
  );
}

function Connection({ app }: { app: NewApp }): JSX.Element {
  const copy = (): void => {
    navigator.clipboard?.writeText(app.secret).then(
      () => say('The secret is in the clipboard'),
      () => say('This browser does not let us copy: select it by hand', true),
    );
  };
  return (
    <div class="connection" role="status">
      <Qr text={location.origin} label={`QR code of ${location.origin}`} />
      <dl>
        <div>
          <dt>Address</dt>
          <dd>
            <code>{location.origin}</code>
          </dd>
        </div>
        <div>
          <dt>Name</dt>
          <dd>
            <code>{person.value?.name}</code>
          </dd>
        </div>
        <div>
          <dt>Password or API key</dt>
          <dd>
            <code class="secret">{app.secret}</code>
          </dd>
        </div>
      </dl>
      <p>
        Type these into “{app.label}”. The secret is shown only now; it opens the music, never your account.
        {navigator.clipboard && <Button onClick={copy}>Copy the secret</Button>}
      </p>
    </div>
  );
}

export function AppsSection(): JSX.Element {
  const apps = useRead('apps', loadApps);
  const [label, setLabel] = useState('');
  const [fresh, setFresh] = useState<NewApp | null>(null);
  const [error, setError] = useState('');
  const connect = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      setFresh(await command<NewApp>('POST', '/api/v1/apps', { label: label.trim() }, await token()));
      setLabel('');
      setError('');
      outdate('apps');
    } catch (thrown) {
      setError(explain(thrown));
    }
  };
  const revoke = async (app: App): Promise<void> => {
    try {
      await command('DELETE', `/api/v1/apps/${encodeURIComponent(app.id)}`, undefined, await token());
      if (fresh?.id === app.id) setFresh(null);
      outdate('apps');
    } catch (thrown) {
      say(explain(thrown), true);
    }
  };
  const askRevoke = (app: App): void =>
    showDialog(
      <Confirm
        title={`Disconnect “${app.label}”?`}
        text="Its secret stops working at once."
        action="Disconnect"
        onDone={() => void revoke(app)}
      />,
    );
  return (
    <Section title="Other apps">
      <p>
        Any OpenSubsonic app plays this library: on phones, on desktops, in the car. Give each one its own secret, so that
        one can be taken away without touching the others.
      </p>
      <form class="inline-form" onSubmit={(event) => void connect(event)}>
        <Field label="Which app?" value={label} onInput={setLabel} hint="Only for you to recognise: “Phone”, “Kitchen”." />
        <Button kind="strong" type="submit">
          Connect
        </Button>
      </form>
      <p class="form-error" role="alert">
        {error}
      </p>
      {fresh && <Connection app={fresh} />}
      <Answer of={apps} name="apps">
        {(all) => (
          <ul class="rows">
            {all.map((app) => (
              <li key={app.id}>
                <span>{app.label}</span>
                <span class="muted">
                  {app.lastUsedAt ? `last used ${day(app.lastUsedAt)}` : `since ${day(app.createdAt)}, not used yet`}
                </span>
                <Button onClick={() => askRevoke(app)}>Disconnect</Button>
              </li>
            ))}
          </ul>
        )}
      </Answer>
    </Section>
  );
}
