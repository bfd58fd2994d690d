// SPDX-License-Identifier: GPL-3.0-or-later
// settings-admin: the library and the people, for admins.
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { command } from '../data/journal';
import { api } from '../data/objects';
import { explain } from '../data/problem';
import { person, token } from '../data/session';
import { Answer, Button, Field } from '../parts/basics';
import { showDialog } from '../parts/dialog';
import { AskText, Confirm } from '../parts/dialogs';
import { Menu } from '../parts/menu';
import { Section } from '../parts/section';
import { count } from '../model/words';
import { scan } from '../state/boot';
import { isIsland } from '../state/health';
import { say } from '../state/notices';
import { outdate, useRead } from '../state/reads';
import { readRequests } from '../state/requests';
import { Requests } from './settings-requests';

interface Scan {
  running: boolean;
  phase?: string;
  seen?: number;
  total?: number;
  removalRefused?: number;
  report?: { path: string; reason: string }[];
}

/** An edge whose origin is away keeps what is asked, and says so: 202 with a request. */
function told(answer: unknown, done: string): void {
  const { state, words } = (answer ?? {}) as { state?: string; words?: string };
  say(state === 'waiting' && words ? words : done);
  if (state === 'waiting') void readRequests();
}

async function attempt(work: () => Promise<unknown>, done: string): Promise<void> {
  try {
    told(await work(), done);
  } catch (error) {
    say(explain(error), true);
  }
}

const send = async (method: string, path: string, body?: unknown): Promise<unknown> =>
  command(method, path, body, await token());

function Progress({ now }: { now: Scan }): JSX.Element {
  const { seen = 0, total = 0 } = now;
  if (!now.running) return <p>The library is up to date.</p>;
  return (
    <p role="status">
      Reading the library: {count(seen, 'file')}
      {total > 0 && ` of ${total.toLocaleString('en')}`}
      <progress max={total || 1} {...(total > 0 && { value: seen })} aria-label="Scan" />
    </p>
  );
}

export function LibrarySection(): JSX.Element {
  const read = useRead('scan', () => api<Scan>('/api/v1/scan'));
  const running = scan.value?.running;
  useEffect(() => outdate('scan'), [running]);
  const start = (full: boolean, allowRemoval = false): Promise<void> =>
    attempt(async () => {
      await send('POST', '/api/v1/scan', { full, allowRemoval });
      outdate('scan');
    }, 'The library is being read');
  const askRemoval = (): void =>
    showDialog(
      <Confirm
        title="Forget missing music?"
        text="A scan that would drop more than a fifth of a library stops and asks, because a disk may just be unmounted. Go on only when those files are really gone."
        action="Forget it"
        onDone={() => void start(false, true)}
      />,
    );
  if (isIsland.value) return <Section title="Library">The origin looks after it, and does not answer just now.</Section>;
  return (
    <Section title="Library">
      <Answer of={read} name="scan">
        {(found) => (
          <>
            <Progress now={scan.value?.running ? { ...found, ...scan.value } : found} />
            <div class="actions">
              <Button onClick={() => void start(false)}>Look for changes</Button>
              <Button onClick={() => void start(true)}>Read everything again</Button>
            </div>
            {(found.removalRefused ?? 0) > 0 && (
              <p>
                {count(found.removalRefused ?? 0, 'file')} seem to be gone, so many that the library keeps them until you say
                so: is a disk missing? <Button onClick={askRemoval}>They are really gone…</Button>
              </p>
            )}
            {found.report && found.report.length > 0 && (
              <details>
                <summary>{count(found.report.length, 'file')} could not be read</summary>
                <ul class="report">
                  {found.report.slice(0, 500).map(({ path, reason }) => (
                    <li key={path}>
                      <code>{path}</code>
                      <span class="muted">{reason}</span>
                    </li>
                  ))}
                </ul>
              </details>
            )}
          </>
        )}
      </Answer>
    </Section>
  );
}

interface User {
  id: string;
  name: string;
  isAdmin: boolean;
  isDisabled?: boolean;
}

const list = (answer: User[] | { users: User[] }): User[] => (Array.isArray(answer) ? answer : answer.users);
const loadUsers = async (): Promise<User[]> => list(await api<User[] | { users: User[] }>('/api/v1/users'));
const pathOf = (user: User): string => `/api/v1/users/${encodeURIComponent(user.id)}`;

function NewUser(): JSX.Element {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [error, setError] = useState('');
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      const answer = await send('POST', '/api/v1/users', { name: name.trim(), ...(!isIsland.value && { password }), isAdmin: false });
      told(answer, `${name.trim()} may listen now`);
      setName('');
      setPassword('');
      setError('');
      outdate('users');
    } catch (thrown) {
      setError(explain(thrown));
    }
  };
  return (
    <form class="inline-form" onSubmit={(event) => void submit(event)}>
      <Field
        label="Name of a new listener"
        value={name}
        onInput={setName}
        {...(isIsland.value && { hint: 'Without a password, while the origin is away: set one when it is back.' })}
      />
      {!isIsland.value && <Field label="First password" type="password" value={password} onInput={setPassword} autocomplete="new-password" />}
      <Button type="submit">{isIsland.value ? 'Ask for it' : 'Add'}</Button>
      <p class="form-error" role="alert">
        {error}
      </p>
    </form>
  );
}

function userActions(user: User): { name: string; run: () => void }[] {
  const patch = (body: unknown, done: string): void =>
    void attempt(async () => {
      const answer = await send('PATCH', pathOf(user), body);
      outdate('users');
      return answer;
    }, done);
  const remove = (): Promise<void> =>
    attempt(async () => {
      const answer = await send('DELETE', pathOf(user));
      outdate('users');
      return answer;
    }, `${user.name} is gone`);
  return [
    {
      name: user.isAdmin ? 'Make an ordinary listener' : 'Make an admin',
      run: () => patch({ isAdmin: !user.isAdmin }, 'The role is changed'),
    },
    {
      name: 'Set a new password…',
      run: () =>
        showDialog(
          <AskText
            title={`New password for ${user.name}`}
            label="Password"
            action="Set"
            onDone={(password) => patch({ password }, 'The password is set')}
          />,
        ),
    },
    {
      name: 'Remove…',
      run: () =>
        showDialog(
          <Confirm
            title={`Remove ${user.name}?`}
            text="Their stars, playlists and plays go too."
            action="Remove"
            onDone={() => void remove()}
          />,
        ),
    },
  ];
}

export function PeopleSection(): JSX.Element {
  const users = useRead('users', loadUsers);
  return (
    <Section title="People">
      <Answer of={users} name="users">
        {(all) => (
          <ul class="rows">
            {all.map((user) => (
              <li key={user.id}>
                <span>{user.name}</span>
                <span class="muted">{user.isAdmin ? 'admin' : 'listener'}</span>
                {user.id !== person.value?.id && <Menu label={`More for ${user.name}`} actions={() => userActions(user)} />}
              </li>
            ))}
          </ul>
        )}
      </Answer>
      <NewUser />
      <Requests nameOf={(account) => users.value?.find(({ id }) => id === account)?.name ?? ''} />
    </Section>
  );
}
