// SPDX-License-Identifier: GPL-3.0-or-later
import { render } from 'preact';
import '@preact/signals';
import { App } from './app';
import { boot } from './state/boot';
import { later, warm } from './state/later';
import { route } from './state/route';

document.body.dataset.ready = 'no';
render(<App />, document.getElementById('app') as HTMLElement);
if (!['', 'album'].includes(route.peek().view)) void later(); // it is what this page shows
void boot().finally(() => {
  document.body.dataset.ready = 'yes';
  warm();
});
