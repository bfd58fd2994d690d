// SPDX-License-Identifier: GPL-3.0-or-later
// Plays through the npm client subsonic-api: signs in, lists, searches, streams a song to its end, says that it did.
// URL, NAME and SECRET come from the environment; prints one line of JSON.
import { webcrypto as crypto } from 'node:crypto'; // Node 18 has no global one
import { SubsonicAPI } from 'subsonic-api';

const { URL: url, NAME: username, SECRET: password } = process.env;

async function play(config) {
  const api = new SubsonicAPI({ url, crypto, ...config });
  const ping = await api.ping();
  const { albumList2 } = await api.getAlbumList2({ type: 'alphabeticalByName' });
  const { album } = await api.getAlbum({ id: albumList2.album[0].id });
  const { searchResult3 } = await api.search3({ query: 'human' });
  const song = searchResult3.song[0];
  const bytes = await (await api.stream({ id: song.id })).arrayBuffer();
  const cover = await (await api.getCoverArt({ id: song.coverArt, size: 64 })).arrayBuffer();
  await api.scrobble({ id: song.id, time: Date.now() });
  return {
    status: ping.status,
    albums: albumList2.album.length,
    created: album.created instanceof Date,
    songs: album.song.length,
    title: song.title,
    isWhole: bytes.byteLength === song.size,
    cover: cover.byteLength > 0,
  };
}

const results = {
  token: await play({ auth: { username, password } }),
  post: await play({ auth: { username, password }, post: true }),
  apiKey: await play({ auth: { apiKey: password } }),
};
console.log(JSON.stringify(results));
