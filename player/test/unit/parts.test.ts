// SPDX-License-Identifier: GPL-3.0-or-later
import assert from 'node:assert/strict';
import test from 'node:test';
import jsqr from 'jsqr';
import { splitEvents } from '../../src/data/objects';
import { agentName } from '../../src/model/agent';
import { kindOfStatus, retryAfterMs } from '../../src/data/problem';
import { qr } from '../../src/parts/qr';

function scanned(text: string): string | undefined {
  const modules = qr(text) ?? [];
  const scale = 4;
  const size = (modules.length + 8) * scale;
  const pixels = new Uint8ClampedArray(size * size * 4).fill(255);
  modules.forEach((row, y) =>
    row.forEach((dark, x) => {
      for (let dy = 0; dark && dy < scale; dy++) {
        for (let dx = 0; dx < scale; dx++) pixels.fill(0, (((y + 4) * scale + dy) * size + (x + 4) * scale + dx) * 4, (((y + 4) * scale + dy) * size + (x + 4) * scale + dx) * 4 + 3);
      }
    }),
  );
  return jsqr(pixels, size, size)?.data;
}

test('QR codes of every version are read back', () => {
  for (const length of [1, 14, 15, 26, 27, 42, 43, 62, 63, 84, 85, 106]) {
    const text = `http://${'a1.b-'.repeat(30)}`.slice(0, length);
    assert.equal(scanned(text), text, String(length));
  }
  assert.equal(qr('x'.repeat(107)), null, 'too long is said, not cut');
});

test('events are split wherever the network cuts them', () => {
  const whole = 'event: scan\r\ndata: {"a":1}\r\n\r\n: ping\n\ndata: x\ndata: y\n\nevent: ca';
  const once = splitEvents(whole);
  assert.deepEqual(once.events, [{ event: 'scan', data: '{"a":1}' }, { event: 'message', data: 'x\ny' }]);
  assert.equal(once.rest, 'event: ca');
});

test('answers say what kind of problem it is', () => {
  assert.deepEqual([401, 403, 404, 429, 503, 502, 400, 500].map(kindOfStatus),
                   ['denied', 'denied', 'missing', 'busy', 'busy', 'away', 'refused', 'refused']);
  assert.equal(retryAfterMs(new Headers({ 'retry-after': '2' })), 2000);
  assert.equal(retryAfterMs(new Headers({ 'retry-after': '99999' })), 60_000);
  assert.equal(retryAfterMs(new Headers({ 'retry-after': 'soon' })), 0);
});

test('browsers are called what people call them', () => {
  const like = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)';
  assert.equal(agentName(`${like} Chrome/156.0.0.0 Safari/537.36`), 'Chrome on Linux');
  assert.equal(agentName(`${like} Chrome/156.0.0.0 Safari/537.36 Edg/156.0`), 'Edge on Linux');
  assert.equal(agentName('Mozilla/5.0 (Windows NT 10.0; rv:153.0) Gecko/20100101 Firefox/153.0'), 'Firefox on Windows');
  assert.equal(agentName('Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1'), 'Safari on iPhone');
  assert.equal(agentName('curl/8.1'), 'curl/8.1');
  assert.equal(agentName(''), 'A browser');
});
