// SPDX-License-Identifier: GPL-3.0-or-later
// dialog: one modal at a time; the browser keeps the focus inside and gives it back.
import { signal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

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
