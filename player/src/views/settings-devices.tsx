// SPDX-License-Identifier: GPL-3.0-or-later
// settings-devices: where this listener is signed in, and the way to end it.
import type { JSX } from 'preact';
import { command } from '../data/journal';
import { api } from '../data/objects';
import { explain } from '../data/problem';
import { signOut, token } from '../data/session';
import { agentName } from '../model/agent';
import { day } from '../model/words';
import { Answer, Button } from '../parts/basics';
import { showDialog } from '../parts/dialog';
import { Confirm } from '../parts/dialogs';
import { Section } from '../parts/section';
import { say } from '../state/notices';
import { outdate, useRead } from '../state/reads';

interface Device {
  id: string;
  kind: 'player' | 'app';
  label: string;
  createdAt: number;
  lastUsedAt: number | null;
  isCurrent: boolean;
}

const loadDevices = async (): Promise<Device[]> =>
  (await api<Device[]>('/api/v1/sessions')).filter(({ kind }) => kind === 'player');

const end = async ({ id }: Device): Promise<void> =>
  command('DELETE', `/api/v1/sessions/${encodeURIComponent(id)}`, undefined, await token());

async function endOne(device: Device): Promise<void> {
  try {
    await end(device);
    say(`${agentName(device.label)} is signed out`);
  } catch (error) {
    say(explain(error), true);
  }
  outdate('devices');
}

/** The others first: this one's authority ends them. */
async function endAll(devices: readonly Device[]): Promise<void> {
  try {
    for (const device of devices) if (!device.isCurrent) await end(device);
    await signOut();
  } catch (error) {
    say(explain(error), true);
    outdate('devices');
  }
}

function askAll(devices: readonly Device[]): void {
  showDialog(
    <Confirm
      title="Sign out everywhere?"
      text="Every browser is signed out at once, this one too. Other apps keep their own secrets."
      action="Sign out everywhere"
      onDone={() => void endAll(devices)}
    />,
  );
}

function Row({ device }: { device: Device }): JSX.Element {
  const when = device.isCurrent ? 'this device' : `last used ${day(device.lastUsedAt ?? device.createdAt)}`;
  return (
    <li>
      <span title={device.label}>{agentName(device.label)}</span>
      <span class="muted">
        {when}, since {day(device.createdAt)}
      </span>
      {!device.isCurrent && (
        <Button onClick={() => void endOne(device)}>
          Sign out<span class="hidden"> {agentName(device.label)}</span>
        </Button>
      )}
    </li>
  );
}

export function DevicesSection(): JSX.Element {
  const devices = useRead('devices', loadDevices);
  return (
    <Section title="Devices">
      <Answer of={devices} name="devices">
        {(all) => (
          <>
            <ul class="rows devices">
              {all.map((device) => (
                <Row key={device.id} device={device} />
              ))}
            </ul>
            {all.length > 1 && <Button onClick={() => askAll(all)}>Sign out everywhere…</Button>}
          </>
        )}
      </Answer>
    </Section>
  );
}
