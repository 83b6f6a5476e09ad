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
  const response = await promise;
  receiver.onResponseData(controller, Buffer.from('first '));
  assert.equal(controller.paused, true);
  controller.onResume = () => {
    controller.onResume = () => undefined;
    receiver.onResponseData(controller, Buffer.from('second'));
    receiver.onResponseEnd();
  };
  assert.equal(await textOf(response), 'first second');
});

test('a body that is here whole is had at once, and then not again', async () => {
  const { controller, receiver, response } = await begun();
  receiver.onResponseData(controller, Buffer.from('first '));
  assert.equal(response.arrived?.(100), undefined, 'while the rest is still to come');
  receiver.onResponseData(controller, Buffer.from('second'));
  receiver.onResponseEnd();
  assert.equal(response.arrived?.(11), undefined, 'where it is longer than asked for');
  assert.equal(Buffer.from(response.arrived?.(12) ?? []).toString(), 'first second');
  assert.equal(response.arrived?.(12), undefined);
  assert.equal(await textOf(response), '');
});

test('a body that was broken is never here whole', async () => {
  const { controller, receiver, response } = await begun();
  receiver.onResponseData(controller, Buffer.from('first'));
  receiver.onResponseError(controller, new Error('cut'));
  assert.equal(response.arrived?.(100), undefined);
  await assert.rejects(textOf(response), /cut/);
});

async function begun() {
  const controller = new EagerController();
  const { promise, resolve, reject } = Promise.withResolvers<HttpResponse>();
  const receiver = new ResponseReceiver(resolve, reject, { signal: undefined, unreadBytesMax: 1_000 });
  receiver.onRequestStart(controller);
  receiver.onResponseStart(controller, 200, {});
  return { controller, receiver, response: await promise };
}

async function textOf({ body }: HttpResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
