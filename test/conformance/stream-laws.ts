// What must hold of every stream that a client gets, whoever answered: the order and the counts that SDKs rely on but
// do not all check.

import assert from 'node:assert/strict';
import type { ClientKind, Seen } from '../support/cases.ts';

/** @param isVerbatim the upstream speaks the client's dialect, so that its own habits show */
export function assertStreamLaws(client: ClientKind, seen: Seen, isVerbatim: boolean): void {
  // An answer without text may be one chunk at Google and one line at Ollama.
  assert.ok(seen.events.length > (client === 'gemini' || client === 'ollama' ? 0 : 1));
  LAWS[client](seen.events, isVerbatim);
}

const LAWS: Readonly<Record<ClientKind, (events: readonly any[], isVerbatim: boolean) => void>> = {
  'openai-chat': chatLaws,
  'openai-responses': responsesLaws,
  anthropic: messagesLaws,
  gemini: geminiLaws,
  ollama: ollamaLaws,
};

function chatLaws(events: readonly any[], isVerbatim: boolean): void {
  // Azure's first chunk has no id and no choices.
  const chunks = events.filter((chunk) => chunk.id !== '');
  assert.equal(new Set(chunks.map((chunk) => `${chunk.id} ${chunk.model} ${chunk.created}`)).size, 1);
  for (const chunk of chunks) assert.equal(chunk.object, 'chat.completion.chunk');
  const choices = chunks.flatMap((chunk) => chunk.choices);
  assert.equal(choices.filter((choice) => choice.delta.role !== undefined).length, 1, 'one role');
  assert.equal(choices.filter((choice) => choice.finish_reason).length, 1, 'one finish reason');
  assert.equal(chunks.filter((chunk) => chunk.usage).length, 1, 'usage once');
  if (!isVerbatim) assert.deepEqual(chunks.at(-1).choices, [], 'the usage comes last, without choices');
  const calls = choices.flatMap((choice) => choice.delta.tool_calls ?? []);
  const begun = new Set<number>();
  for (const call of calls) {
    if (begun.has(call.index)) continue;
    assert.equal(call.index, begun.size, 'indexes ascend from 0 without gaps');
    assert.equal(call.type, 'function');
    assert.match(call.id, /./);
    assert.match(call.function.name, /./);
    begun.add(call.index);
  }
}

function responsesLaws(events: readonly any[]): void {
  assert.deepEqual(
    events.map((event) => event.sequence_number),
    events.map((_, index) => index),
  );
  assert.equal(events[0].type, 'response.created');
  assert.match(events.at(-1).type, /^response\.(completed|incomplete)$/);
  assert.equal(new Set(events.flatMap((event) => event.response?.id ?? [])).size, 1, 'one response id');
  const added = events
    .filter((event) => event.type === 'response.output_item.added')
    .map((event) => event.output_index);
  const done = events.filter((event) => event.type === 'response.output_item.done').map((event) => event.output_index);
  assert.deepEqual(added, [...added.keys()], 'items open in order');
  assert.deepEqual(done.sort(), added, 'every item closes once');
  const items = events.filter((event) => event.type === 'response.output_item.done').map((event) => event.item);
  const final = events.at(-1).response.output.map(({ id, type }: any) => `${type} ${id}`);
  assert.deepEqual(new Set(items.map(({ id, type }) => `${type} ${id}`)), new Set(final));
}

const MESSAGES_GRAMMAR =
  /^message_start( ping)*( content_block_start( content_block_delta| ping)* content_block_stop( ping)*)* message_delta message_stop$/;

function messagesLaws(events: readonly any[]): void {
  assert.match(events.map((event) => event.type).join(' '), MESSAGES_GRAMMAR);
  const starts = events.filter((event) => event.type === 'content_block_start').map((event) => event.index);
  assert.deepEqual(starts, [...starts.keys()], 'blocks are counted from 0');
}

function geminiLaws(events: readonly any[]): void {
  const reasons = events.map((chunk) => chunk.candidates?.[0]?.finishReason !== undefined);
  assert.equal(reasons.filter(Boolean).length, 1, 'one finish reason');
  assert.equal(reasons.at(-1), true, 'and it comes last');
  assert.equal(new Set(events.map((chunk) => chunk.responseId)).size, 1, 'one response id');
}

function ollamaLaws(events: readonly any[]): void {
  assert.deepEqual(
    events.map((line) => line.done),
    events.map((_, index) => index === events.length - 1),
  );
}
