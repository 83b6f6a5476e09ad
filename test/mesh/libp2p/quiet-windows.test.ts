// Which frames a stream sends back for what it receives.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { StreamState, YamuxStream, type YamuxStreamInit } from '@libp2p/yamux/stream';
import { Uint8ArrayList } from 'uint8arraylist';
import { quietWindows } from '../../../src/mesh/libp2p/quiet-windows.ts';

quietWindows();
quietWindows();

const WINDOW = 256 * 1024;
const DATA = 0;
const WINDOW_UPDATE = 1;

function receiving(state: StreamState): { readonly updates: number[]; receive(bytes: number): void } {
  const updates: number[] = [];
  const stream = new YamuxStream({
    id: '1',
    streamId: 1,
    state,
    direction: 'inbound',
    log: Object.assign(() => undefined, { trace: () => undefined, error: () => undefined }),
    getRTT: () => -1,
    initialStreamWindowSize: WINDOW,
    maxStreamWindowSize: WINDOW,
    sendFrame: (header: { readonly type: number; readonly length: number }) => {
      if (header.type === WINDOW_UPDATE) updates.push(header.length);
      return true;
    },
  } as unknown as YamuxStreamInit);
  return {
    updates,
    receive(bytes) {
      const header = { type: DATA, flag: 0, streamID: 1, length: bytes };
      stream.handleData({ header, data: new Uint8ArrayList(new Uint8Array(bytes)) });
    },
  };
}

test('the window is opened again when half of it is used, by all that was used', () => {
  const { updates, receive } = receiving(StreamState.Established);
  receive(WINDOW / 2 - 1);
  assert.deepEqual(updates, []);
  receive(1);
  assert.deepEqual(updates, [WINDOW / 2]);
  receive(WINDOW);
  assert.deepEqual(updates, [WINDOW / 2, WINDOW]);
});

test('a stream that was just accepted says so with its first update', () => {
  const { updates, receive } = receiving(StreamState.SYNReceived);
  receive(10);
  receive(10);
  assert.deepEqual(updates, [10]);
});
