import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalPath } from '../../src/http/paths.ts';

/** What our routes know → how clients with odd base URLs ask for it. */
const PATHS: Readonly<Record<string, readonly string[]>> = {
  '/v1/chat/completions': [
    '/v1/chat/completions',
    '/v1/v1/chat/completions',
    '/chat/completions',
    '/openai/v1/chat/completions',
    '/openai/chat/completions',
    '/v1/openai/chat/completions',
    '/api/v1/chat/completions',
    '/api/openai/v1/chat/completions',
    '/v1beta/openai/chat/completions',
    '//v1//chat/completions/',
    '/v1/chat/completions/',
    '/v1/chat/completions/chat/completions',
    '/v1/chat/completions/v1/chat/completions',
    '/v1/responses/chat/completions',
  ],
  '/v1/messages': [
    '/messages',
    '/v1/v1/messages',
    '/anthropic/v1/messages',
    '/anthropic/messages',
    '/v1/messages',
    '/v1/messages/v1/messages',
  ],
  '/v1/messages/count_tokens': ['/messages/count_tokens', '/v1/v1/messages/count_tokens'],
  '/v1/responses/resp_1': ['/responses/resp_1', '/v1/v1/responses/resp_1'],
  '/v1/embeddings': ['/embeddings', '/v1/v1/embeddings', '/v1beta/embeddings'],
  '/v1/models': [
    '/models',
    '/v1/chat/completions/models',
    '/v1/v1/models',
    '/v1beta/openai/models',
    '/openai/v1/models',
  ],
  '/v1/models/openai/gpt-4o': ['/models/openai/gpt-4o', '/v1/v1/models/openai/gpt-4o'],
  '/v1/models/v1': ['/v1/models/v1'],
  '/v1/vector_stores/vs_a/search': ['/vector_stores/vs_a/search', '/openai/v1/vector_stores/vs_a/search'],
  '/v1/files?limit=1': ['http://localhost:2402/v1/files?limit=1', 'HTTPS://x/files?limit=1'],
  '/v1/files': ['/files', '/v1/v1/files'],
  '/v1beta/files': ['/v1beta/files'],
  '/mcp': ['/mcp', '/mcp/'],
  '/v1beta/models': ['/v1beta/models', '/v1/v1beta/models', '/v1alpha/models'],
  '/v1beta/models/gemini-2.5-pro:generateContent': [
    '/v1beta/models/gemini-2.5-pro:generateContent',
    '/v1/v1beta/models/gemini-2.5-pro:generateContent',
    '/v1beta/v1beta/models/gemini-2.5-pro:generateContent',
    '/v1beta1/publishers/google/models/gemini-2.5-pro:generateContent',
    '/v1/projects/p/locations/us-central1/publishers/google/models/gemini-2.5-pro:generateContent',
  ],
  '/v1beta/models/openai/gpt-4o:generateContent': [
    '/v1beta/openai/gpt-4o:generateContent',
    '/v1beta/models/openai/gpt-4o:generateContent',
  ],
  '/openai/deployments/gpt-4o/chat/completions': [
    '/openai/deployments/gpt-4o/chat/completions',
    '/v1/openai/deployments/gpt-4o/chat/completions',
  ],
  '/api/chat': ['/api/chat', '/api/api/chat', '/api/chat/api/chat', '/v1/api/chat', '/api/chat/'],
  '/api/tags': ['/api/tags', '/v1/api/tags'],
  '/v1/audio/speech': ['/audio/speech', '/v1/v1/audio/speech'],
  '/': ['/', '//'],
  '/healthz': ['/healthz', '/healthz/'],
  '/v1/unknown': ['/v1/unknown'],
  '/somewhere/v1/else': ['/somewhere/v1/else'],
};

for (const [canonical, asked] of Object.entries(PATHS)) {
  test(`${canonical} is what ${asked.join(' and ')} mean`, () => {
    assert.deepEqual(
      asked.map((path) => canonicalPath(path)),
      asked.map(() => canonical),
    );
  });
}

test('a query stays as it is, slashes and all', () => {
  assert.equal(canonicalPath('/v1/v1/chat/completions?a=/v1/v1//&b'), '/v1/chat/completions?a=/v1/v1//&b');
  assert.equal(canonicalPath('/v1/chat/completions?key=x'), '/v1/chat/completions?key=x');
});
