// SPDX-License-Identifier: GPL-3.0-or-later
import { render } from 'preact';
import '@preact/signals';
import { App } from './app';
import { startKeys } from './parts/keys';
import { warm } from './parts/lazy';
import { boot } from './state/boot';

document.body.dataset.ready = 'no';
render(<App />, document.getElementById('app') as HTMLElement);
startKeys();
void boot().finally(() => {
  document.body.dataset.ready = 'yes';
  warm();
});
