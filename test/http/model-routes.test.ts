import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type FastifyInstance, fastify } from 'fastify';
import { ModelDirectory } from '../../src/gateway/model-directory.ts';
import type { ChatEndpointDeps } from '../../src/http/chat-endpoint.ts';
import { modelRoutes } from '../../src/http/model-routes.ts';
import { ollamaRoutes } from '../../src/http/ollama-routes.ts';
import { ANONYMOUS, type Scopes } from '../../src/tenancy/principal.ts';
import { routerOf } from '../gateway/support.ts';

let server: FastifyInstance;
/** Of whoever asks next. */
let scopes: Scopes = {};

before(() => {
  const router = routerOf({ accounts: { a: { url: 'http://a.test' } }, chains: { main: ['a/one'] } });
  const served = [
    { model: 'one', names: ['attic'] },
    { model: 'far', names: ['attic', 'shed'] },
  ];
  const directory = new ModelDirectory(
    () => router,
    () => [{ account: 'a', model: 'meta/free:1' }],
    () => ({ models: () => served }),
  );
  server = fastify();
  server.addHook('onRequest', (request, _reply, done) => {
    request.principal = { ...ANONYMOUS, scopes };
    done();
  });
  modelRoutes(server, directory);
  // Only its lists are asked, which need nothing else.
  ollamaRoutes(server, { pipeline: {} } as ChatEndpointDeps, directory);
});
after(() => server.close());

async function get(url: string, headers: Record<string, string> = {}) {
  return (await server.inject({ url, headers })).json();
}

const far = { id: 'far', object: 'model', created: 0, owned_by: 'attic, shed', nodes: ['attic', 'shed'] };

test("OpenAI's list says which nodes serve a model, where others do", async () => {
  assert.deepEqual(await get('/v1/models'), {
    object: 'list',
    data: [
      { id: 'main', object: 'model', created: 0, owned_by: 'flowmesh' },
      { id: 'one', object: 'model', created: 0, owned_by: 'a', nodes: ['attic'] },
      { id: 'meta/free:1', object: 'model', created: 0, owned_by: 'a' },
      far,
    ],
  });
  assert.deepEqual(await get('/v1/models/far'), far);
  assert.deepEqual(await get('/v1/models/a%2Fmeta%2Ffree:1'), {
    id: 'a/meta/free:1',
    object: 'model',
    created: 0,
    owned_by: 'a',
  });
});

test("the other dialects' lists have the models of other nodes, too", async () => {
  const anthropic = await get('/v1/models', { 'anthropic-version': '2023-06-01' });
  assert.deepEqual(
    anthropic.data.map(({ id }: { id: string }) => id),
    ['main', 'one', 'meta/free:1', 'far'],
  );
  assert.equal(anthropic.last_id, 'far');
  const gemini = await get('/v1beta/models');
  assert.deepEqual(
    gemini.models.map(({ name }: { name: string }) => name),
    ['models/main', 'models/one', 'models/meta/free:1', 'models/far'],
  );
  const ollama = await get('/api/tags');
  assert.deepEqual(
    ollama.models.map(({ name }: { name: string }) => name),
    ['main', 'one', 'meta/free:1', 'far'],
  );
});

test('a key is shown only what it may ask for, in every list', async () => {
  const ids = async (): Promise<string[]> => (await get('/v1/models')).data.map(({ id }: { id: string }) => id);
  try {
    scopes = { models: ['o*', 'meta/*'] };
    assert.deepEqual(await ids(), ['one', 'meta/free:1']);
    assert.deepEqual(
      (await get('/api/tags')).models.map(({ name }: { name: string }) => name),
      ['one', 'meta/free:1'],
    );
    assert.equal((await get('/v1/models/main')).error, 'Not Found');
    assert.equal((await get('/v1/models/a%2Fmeta%2Ffree:1')).error, 'Not Found');
    scopes = { chains: ['main'] };
    assert.deepEqual(await ids(), ['main', 'one']);
    scopes = { chains: ['far'] };
    assert.deepEqual(await ids(), ['far']);
  } finally {
    scopes = {};
  }
});
