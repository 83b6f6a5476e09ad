// The body of an answer as undici hands it over, in the orders that hurt.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Dispatcher } from 'undici';
import type { HttpResponse } from '../../src/ports.ts';
import { ResponseReceiver } from '../../src/system/response-receiver.ts';

/** Hands over all that waits within `resume`, as undici does when its parser has read everything already. */
class EagerController implements Dispatcher.DispatchController {
  paused = false;
  aborted = false;
  reason = null;
  onResume: () => void = () => undefined;

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.onResume();
  }

  abort(): void {
    this.aborted = true;
  }
}

test('nothing is lost when the rest and the end come while the sender is let go on', async () => {
  const controller = new EagerController();
  const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>();
  const receiver = new ResponseReceiver(resolve, reject, { signal: undefined, unreadBytesMax: 4 });
  receiver.onRequestStart(controller);
  receiver.onResponseStart(controller, 200, {});
  const { body } = await promise;
  receiver.onResponseData(controller, Buffer.from('first '));
  assert.equal(controller.paused, true);
  controller.onResume = () => {
    controller.onResume = () => undefined;
    receiver.onResponseData(controller, Buffer.from('second'));
    receiver.onResponseEnd();
  };
  const chunks: string[] = [];
  for await (const chunk of body) chunks.push(Buffer.from(chunk).toString());
  assert.equal(chunks.join(''), 'first second');
});
