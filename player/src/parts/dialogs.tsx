// SPDX-License-Identifier: GPL-3.0-or-later
// dialogs: what a modal may hold.
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Button, Field, IconButton } from './basics';
import { closeDialog } from './dialog';

export function DialogFrame({ title, children }: { title: string; children: ComponentChildren }): JSX.Element {
  return (
    <div class="dialog-body">
      <div class="dialog-head">
        <h2 id="dialog-title">{title}</h2>
        <IconButton icon="close" label="Close" onClick={closeDialog} />
      </div>
      {children}
    </div>
  );
}

/** Asks for one line of text. */
export function AskText(props: {
  title: string;
  label: string;
  value?: string;
  action: string;
  onDone: (text: string) => void;
}): JSX.Element {
  const [text, setText] = useState(props.value ?? '');
  const submit = (event: Event): void => {
    event.preventDefault();
    if (!text.trim()) return;
    closeDialog();
    props.onDone(text.trim());
  };
  return (
    <DialogFrame title={props.title}>
      <form onSubmit={submit}>
        <Field label={props.label} value={text} onInput={setText} autoFocus />
        <div class="dialog-actions">
          <Button onClick={closeDialog}>Cancel</Button>
          <Button kind="strong" type="submit">
            {props.action}
          </Button>
        </div>
      </form>
    </DialogFrame>
  );
}

export function Confirm(props: { title: string; text: string; action: string; onDone: () => void }): JSX.Element {
  const done = (): void => {
    closeDialog();
    props.onDone();
  };
  return (
    <DialogFrame title={props.title}>
      <p>{props.text}</p>
      <div class="dialog-actions">
        <Button onClick={closeDialog}>Cancel</Button>
        <Button kind="danger" onClick={done}>
          {props.action}
        </Button>
      </div>
    </DialogFrame>
  );
}
