// SPDX-License-Identifier: GPL-3.0-or-later
// dialog: one modal at a time; the browser keeps the focus inside and gives it back.
import { signal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Button, Field, IconButton } from './basics';

const open = signal<ComponentChildren>(null);

export const isDialogOpen = (): boolean => open.value !== null;
export const showDialog = (content: ComponentChildren): void => void (open.value = content);
export const closeDialog = (): void => void (open.value = null);

export function DialogHost(): JSX.Element | null {
  const element = useRef<HTMLDialogElement>(null);
  const content = open.value;
  useLayoutEffect(() => {
    if (content && !element.current?.open) element.current?.showModal();
  }, [content]);
  if (!content) return null;
  const closeOutside = (event: MouseEvent): void => {
    if (event.target === element.current) closeDialog();
  };
  return (
    <dialog ref={element} onClose={closeDialog} onClick={closeOutside} aria-labelledby="dialog-title">
      {content}
    </dialog>
  );
}

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
