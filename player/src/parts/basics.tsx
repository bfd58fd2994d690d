// SPDX-License-Identifier: GPL-3.0-or-later
// basics: the small pieces that every view is made of.
import type { ComponentChildren, JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { artAddress, type ArtSize } from '../data/objects';
import { explain, isAway } from '../data/problem';
import { clothOf } from '../model/cloth';
import { artistsOf, type Album, type Song } from '../model/types';
import { isStarred, star } from '../state/marks';
import { again, type Read } from '../state/reads';
import { paths } from '../state/route';
import { Icon, Mark, type IconName } from './icon';

interface IconButtonProps {
  icon: IconName;
  label: string;
  onClick: () => void;
  isOn?: boolean;
  filled?: boolean;
  class?: string;
  disabled?: boolean;
  shortcut?: string;
}

export function IconButton(props: IconButtonProps): JSX.Element {
  const { icon, label, onClick, isOn, filled, disabled, shortcut } = props;
  return (
    <button
      type="button"
      class={`icon-button ${isOn ? 'on' : ''} ${props.class ?? ''}`}
      aria-label={label}
      title={shortcut ? `${label} (${shortcut})` : label}
      disabled={disabled ?? false}
      onClick={onClick}
      {...(isOn !== undefined && { 'aria-pressed': isOn })}
      {...(shortcut && { 'aria-keyshortcuts': shortcut })}
    >
      <Icon name={icon} filled={filled ?? false} />
    </button>
  );
}

export function Button(props: {
  onClick?: () => void;
  kind?: 'strong' | 'plain' | 'danger';
  icon?: IconName;
  type?: 'button' | 'submit';
  disabled?: boolean;
  children: ComponentChildren;
}): JSX.Element {
  return (
    <button
      type={props.type ?? 'button'}
      class={`button ${props.kind ?? 'plain'}`}
      disabled={props.disabled ?? false}
      {...(props.onClick && { onClick: props.onClick })}
    >
      {props.icon && <Icon name={props.icon} />}
      <span>{props.children}</span>
    </button>
  );
}

export function StarButton({ thing, name }: { thing: Song | Album | { id: string; starred?: string }; name: string }): JSX.Element {
  const on = isStarred(thing);
  return (
    <IconButton icon="star" class="star" label={`Star ${name}`} isOn={on} filled={on} onClick={() => star(thing, !on)} />
  );
}

/**
 * Artwork; without any, a cloth binding with the name on it, like a score on a shelf.  Decoration: the title stands
 * beside it.
 */
export function Art(props: { id: string | undefined; size: ArtSize; name?: string; eager?: boolean }): JSX.Element {
  const { id, size, name = '', eager = false } = props;
  const holder = useRef<HTMLDivElement>(null);
  const settle = (): void => holder.current?.classList.add('settled');
  const fail = (): void => holder.current?.classList.add('failed');
  const larger = ({ 64: 128, 128: 300, 300: 600, 600: 1200, 1200: 1200 } as const)[size];
  return (
    <div class={`art ${id ? '' : 'failed'}`} ref={holder} style={{ '--cloth': clothOf(name) }}>
      <span class="art-none" aria-hidden="true">
        {size >= 300 && <span class="art-name">{name}</span>}
        <Mark />
      </span>
      {id && (
        <img
          key={id}
          src={artAddress(id, size)}
          srcset={`${artAddress(id, size)} 1x, ${artAddress(id, larger)} 2x`}
          alt=""
          loading={eager ? 'eager' : 'lazy'}
          decoding="async"
          draggable={false}
          onLoad={settle}
          onError={fail}
        />
      )}
    </div>
  );
}

export function ArtistLinks({ of }: { of: Song | Album }): JSX.Element | null {
  const artists = artistsOf(of);
  const text = of.displayArtist ?? of.artist;
  if (artists.length === 0) return text ? <span>{text}</span> : null;
  return (
    <span>
      {artists.map((artist, i) => (
        <>
          {i > 0 && ', '}
          <a href={paths.artist(artist.id)}>{artist.name}</a>
        </>
      ))}
    </span>
  );
}

/** A view's heading; the document's title follows it. */
export function Heading({ children, small }: { children: string; small?: ComponentChildren }): JSX.Element {
  document.title = children ? `${children} · Sostenuto` : 'Sostenuto';
  return (
    <header class="heading">
      <h1 tabIndex={-1}>{children}</h1>
      {small && <div class="heading-small">{small}</div>}
    </header>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <Mark />
      <p class="empty-title">{title}</p>
      {children && <div class="empty-text">{children}</div>}
    </div>
  );
}

/** Shows an answer, or that it is coming, or why it is not and what to do. */
export function Answer<T>(props: {
  of: Read<T>;
  name: string;
  waiting?: ComponentChildren;
  children: (value: T) => ComponentChildren;
}): JSX.Element {
  const { value, error, isLoading } = props.of;
  if (value !== undefined) return <>{props.children(value)}</>;
  if (error && !isLoading) {
    return (
      <Empty title={isAway(error) ? 'The server is away' : 'This could not be shown'}>
        <p>{explain(error)}</p>
        <Button onClick={() => again(props.name)}>Try again</Button>
      </Empty>
    );
  }
  return <>{props.waiting ?? <Waiting />}</>;
}

export function Waiting(): JSX.Element {
  return (
    <div class="waiting" role="status">
      <span class="hidden">Loading</span>
      <span class="waiting-line" />
    </div>
  );
}

/** Grey shapes where covers will be. */
export function WaitingGrid({ n = 12 }: { n?: number }): JSX.Element {
  return (
    <div class="grid" role="status">
      <span class="hidden">Loading</span>
      {Array.from({ length: n }, (_, i) => (
        <div class="card" key={i} aria-hidden="true">
          <div class="art" />
          <div class="shape" />
          <div class="shape short" />
        </div>
      ))}
    </div>
  );
}

export function Field(props: {
  label: string;
  value: string;
  onInput: (value: string) => void;
  type?: 'text' | 'password';
  autocomplete?: string;
  hint?: string;
  required?: boolean;
  autoFocus?: boolean;
}): JSX.Element {
  const hintId = `hint-${props.label.replace(/\W+/g, '-').toLowerCase()}`;
  return (
    <label class="field">
      <span class="field-label">{props.label}</span>
      <input
        {...({ type: props.type ?? 'text' } as { type: 'text' })}
        value={props.value}
        autocomplete={(props.autocomplete ?? 'off') as 'off'}
        required={props.required ?? true}
        autoFocus={props.autoFocus ?? false}
        spellcheck={false}
        onInput={(event) => props.onInput(event.currentTarget.value)}
        {...(props.hint && { 'aria-describedby': hintId })}
      />
      {props.hint && (
        <span class="field-hint" id={hintId}>
          {props.hint}
        </span>
      )}
    </label>
  );
}

export function Choice<T extends string>(props: {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}): JSX.Element {
  return (
    <label class="choice">
      <span class="choice-label">{props.label}</span>
      <select aria-label={props.label} value={props.value} onChange={(event) => props.onChange(event.currentTarget.value as T)}>
        {props.options.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}
