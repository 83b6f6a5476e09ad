import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fastify } from 'fastify';
import { toGatewayError } from '../../src/errors.ts';
import { type MeshAdministration, meshRoutes } from '../../src/http/mesh-routes.ts';
import { startNode, type TestNode } from '../support/node.ts';

let node: TestNode;

before(async () => {
  node = await startNode();
});
after(() => node.stop());

test('without the admin token nobody sees the mesh, and while it is off that is said', async () => {
  const open = await fetch(`${node.url}/mesh`);
  assert.equal(open.status, 401);
  const token = readFileSync(join(node.dataDirectory, 'admin.token'), 'utf8').trim();
  const answer = await fetch(`${node.url}/mesh`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 404);
  const { error } = (await answer.json()) as { error: { message: string } };
  assert.match(error.message, /The mesh is off at this node/);
});

test('inviting, evicting and leaving go to the mesh, and what it cannot do is refused', async () => {
  const calls: unknown[] = [];
  const mesh: MeshAdministration = {
    status: () => ({ meshId: 'mesh-1' }),
    invite: (capabilities, name) => {
      calls.push(['invite', capabilities, name]);
      return capabilities.includes('admin') ? undefined : { token: 'flowmesh-x', expiresAt: 900_000 };
    },
    evict: (peer, reason) => {
      calls.push(['evict', peer, reason]);
      return peer === 'known';
    },
    leave: () => Promise.resolve(void calls.push(['leave'])),
  };
  const server = fastify();
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  server.setErrorHandler((error, _request, reply) => {
    const { status, message } = toGatewayError(error);
    void reply.code(status).send({ message });
  });
  meshRoutes(server, { mesh });
  const ask = async (method: 'GET' | 'POST', url: string, body?: object) => {
    const payload = body && JSON.stringify(body);
    const response = await server.inject({ method, url, ...(payload !== undefined && { payload }) });
    return [response.statusCode, response.json().message ?? response.json()];
  };
  assert.deepEqual(await ask('GET', '/mesh'), [200, { meshId: 'mesh-1' }]);
  assert.deepEqual(await ask('POST', '/admin/mesh/invites', { name: 'leaf' }), [
    201,
    { token: 'flowmesh-x', expiresAt: '1970-01-01T00:15:00.000Z' },
  ]);
  assert.equal((await ask('POST', '/admin/mesh/invites', { capabilities: ['admin'] }))[0], 403);
  assert.equal((await ask('POST', '/admin/mesh/invites', { capabilities: ['rule'] }))[0], 400);
  assert.equal((await ask('POST', '/admin/mesh/evictions', {}))[0], 400);
  assert.equal((await ask('POST', '/admin/mesh/evictions', { peer: 'ghost' }))[0], 403);
  assert.deepEqual(await ask('POST', '/admin/mesh/evictions', { peer: 'known', reason: 'stolen' }), [
    200,
    { peer: 'known', state: 'evicted' },
  ]);
  assert.deepEqual(await ask('POST', '/admin/mesh/leave', {}), [200, { state: 'left' }]);
  assert.deepEqual(calls, [
    ['invite', ['serve'], 'leaf'],
    ['invite', ['admin'], undefined],
    ['evict', 'ghost', 'by its operator'],
    ['evict', 'known', 'stolen'],
    ['leave'],
  ]);
  await server.close();
});
