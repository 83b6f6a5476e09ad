// Citations of our own knowledge in the dialects that have a form of their own for them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderCitations, withoutPassageCitations } from '../../src/dialects/anthropic/extensions.ts';
import { renderGrounding } from '../../src/dialects/gemini/grounding.ts';
import { dialects } from '../../src/dialects/registry.ts';
import type { Annotation } from '../../src/model/chat.ts';

const OURS: Annotation = {
  url: 'flowmesh://knowledge/k/d1#0',
  title: 'Manual',
  quote: 'It lasts three years.',
  start: 3,
  end: 6,
  passage: { number: 2, documentId: 'd1' },
};
const WEB: Annotation = { url: 'https://example.org', title: 'Web', start: 0, end: 2 };
const THEIRS = { type: 'char_location', cited_text: 'x', document_index: 0, start_char_index: 0, end_char_index: 1 };

test('Anthropic’s clients get a passage as a search result, and other foreign sources not at all', () => {
  assert.deepEqual(renderCitations([OURS, WEB, { extensions: { anthropic: THEIRS } }]), [
    {
      type: 'search_result_location',
      cited_text: 'It lasts three years.',
      source: 'flowmesh://knowledge/k/d1#0',
      title: 'Manual',
      search_result_index: 1,
      start_block_index: 0,
      end_block_index: 1,
      flowmesh_document_id: 'd1',
    },
    THEIRS,
  ]);
});

test('in a history that goes to Anthropic its own citations stay, and ours go', () => {
  const [ours] = renderCitations([OURS]);
  assert.ok(ours);
  assert.deepEqual(withoutPassageCitations([ours, THEIRS]), [THEIRS]);
  const sent = (citations: object[]): unknown => {
    const messages = [
      { role: 'user', content: 'Q' },
      { role: 'assistant', content: [{ type: 'text', text: 'A [1]', citations }] },
      { role: 'user', content: 'R' },
    ];
    const body = { model: 'm', max_tokens: 9, messages } as never;
    const request = dialects.anthropic.client.parseRequest(body, {});
    const target = { model: 'claude-sonnet-4-6', isStream: false, traits: {} };
    const messagesSent = dialects.anthropic.upstream?.renderRequest(request, target).body.messages;
    return (messagesSent as { content: unknown }[])[1]?.content;
  };
  assert.deepEqual(sent([ours, THEIRS]), [{ type: 'text', text: 'A [1]', citations: [THEIRS] }]);
  assert.deepEqual(sent([ours]), [{ type: 'text', text: 'A [1]' }]);
  assert.deepEqual(sent([THEIRS]), [{ type: 'text', text: 'A [1]', citations: [THEIRS] }]);
});

test('Gemini’s clients get a passage as retrieved context, and a page of the web as such', () => {
  assert.deepEqual(renderGrounding([OURS, WEB], 'Ü: [2]'), {
    groundingChunks: [
      { retrievedContext: { uri: OURS.url, title: 'Manual', text: 'It lasts three years.' } },
      { web: { uri: 'https://example.org', title: 'Web' } },
    ],
    groundingSupports: [
      { segment: { startIndex: 4, endIndex: 7, text: '[2]' }, groundingChunkIndices: [0] },
      { segment: { startIndex: 0, endIndex: 3, text: 'Ü:' }, groundingChunkIndices: [1] },
    ],
  });
});
