// SPDX-License-Identifier: GPL-3.0-or-later
// app: the frame around every view.
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { gate, isExposed, person } from './data/session';
import { Bar } from './parts/bar';
import { Empty, Heading } from './parts/basics';
import { DialogHost } from './parts/dialog';
import { Icon, Mark, type IconName } from './parts/icon';
import { lazy } from './parts/lazy';
import { SearchField } from './parts/search-field';
import { place, trouble } from './state/health';
import { notices } from './state/notices';
import { current } from './state/playing';
import { route } from './state/route';
import { AlbumView } from './views/album';
import { GateView } from './views/gate';
import { HomeView } from './views/home';

const AlbumsView = lazy('Albums', (later) => later.AlbumsView);
const ArtistView = lazy('Artist', (later) => later.ArtistView);
const ArtistsView = lazy('Artists', (later) => later.ArtistsView);
const GenresView = lazy('Genres', (later) => later.GenresView);
const NowView = lazy('Now playing', (later) => later.NowView);
const PlaylistView = lazy('Playlist', (later) => later.PlaylistView);
const PlaylistsView = lazy('Playlists', (later) => later.PlaylistsView);
const QueueView = lazy('Queue', (later) => later.QueueView);
const SearchView = lazy('Search', (later) => later.SearchView);
const SettingsView = lazy('Settings', (later) => later.SettingsView);

function View(): JSX.Element {
  const { view, id } = route.value;
  switch (view) {
    case '':
      return <HomeView />;
    case 'albums':
      return <AlbumsView />;
    case 'album':
      return <AlbumView id={id} key={id} />;
    case 'artists':
      return <ArtistsView />;
    case 'artist':
      return <ArtistView id={id} key={id} />;
    case 'genres':
      return <GenresView />;
    case 'playlists':
      return <PlaylistsView />;
    case 'playlist':
      return <PlaylistView id={id} key={id} />;
    case 'search':
      return <SearchView />;
    case 'queue':
      return <QueueView />;
    case 'now':
      return <NowView />;
    case 'settings':
      return <SettingsView />;
    default:
      return (
        <>
          <Heading>Nothing here</Heading>
          <Empty title="There is no such page">
            <p>
              <a href="/">Go home</a>
            </p>
          </Empty>
        </>
      );
  }
}

const PLACES: readonly (readonly [string, string, IconName, readonly string[]])[] = [
  ['/', 'Home', 'home', ['']],
  ['/albums', 'Albums', 'disc', ['albums', 'album']],
  ['/artists', 'Artists', 'person', ['artists', 'artist']],
  ['/genres', 'Genres', 'genre', ['genres']],
  ['/playlists', 'Playlists', 'list', ['playlists', 'playlist']],
];

function Places(): JSX.Element {
  const { view } = route.value;
  return (
    <nav class="places" aria-label="Library">
      {PLACES.map(([path, name, icon, views]) => (
        <a key={path} href={path} {...(views.includes(view) && { 'aria-current': 'page' as const })}>
          <Icon name={icon} />
          <span>{name}</span>
        </a>
      ))}
    </nav>
  );
}

function Exposed(): JSX.Element {
  return (
    <p>
      An edge that may know your password was lost. <a href="/settings?password">Choose another</a>{' '}
      <button class="quiet" onClick={() => (isExposed.value = false)}>
        Not now
      </button>
    </p>
  );
}

/** Which node is asked and how it stands, and one sentence when something is wrong; nothing moves. */
function Strip(): JSX.Element {
  return (
    <div class="strip" role="status" aria-live="polite">
      {trouble.value ? <p>{trouble.value}</p> : isExposed.value ? <Exposed /> : null}
      {place.value ? <small>{place.value}</small> : null}
    </div>
  );
}

function Notices(): JSX.Element {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map((notice) => (
        <p key={notice.id} class={notice.isProblem ? 'problem' : ''}>
          {notice.text}
        </p>
      ))}
    </div>
  );
}

/** After a change of view the focus and a screen reader go to its heading, unless a field is being typed into. */
function useFocusOnView(): { current: HTMLElement | null } {
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  const { path } = route.value;
  useEffect(() => {
    if (isFirst.current) return void (isFirst.current = false);
    if (document.activeElement?.matches('input')) return;
    (main.current?.querySelector<HTMLElement>('h1') ?? main.current)?.focus({ preventScroll: true });
  }, [path]);
  return main;
}

function Frame(): JSX.Element {
  const main = useFocusOnView();
  const { view } = route.value;
  return (
    <div class={`frame ${current.value ? 'with-bar' : ''} at-${view || 'home'}`}>
      <a class="skip" href="#main">
        Skip to the music
      </a>
      <header class="top">
        <a class="brand" href="/" aria-label="Sostenuto, home">
          <Mark />
          <span class="wordmark">Sostenuto</span>
        </a>
        <Places />
        <SearchField />
        <a class="me" href="/settings" aria-label={`Settings of ${person.value?.name ?? 'this device'}`}>
          {(person.value?.name ?? '?').slice(0, 1).toUpperCase()}
        </a>
      </header>
      <Strip />
      <main id="main" ref={main} tabIndex={-1}>
        <View />
      </main>
      <Bar />
    </div>
  );
}

export function App(): JSX.Element {
  return (
    <>
      {gate.value === 'open' ? <Frame /> : <GateView />}
      <Notices />
      <DialogHost />
    </>
  );
}
