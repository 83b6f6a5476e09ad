// The mesh as replication sees it: requests with bounded answers, broadcasts, and who is there.

import type { Transport } from '../ports.ts';
import type { Network } from '../replication/replicator.ts';
import type { Mesh } from './mesh.ts';
import { PeerRefusal } from './wire.ts';

/** A page is 64 KB; a single change of an unknown kind may be larger. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
/** What peers may ask: version vectors and lists of keys. */
const REQUEST_BYTES_MAX = 4 * 1024 * 1024;

export function replicationNetwork(mesh: Mesh, transport: Transport): Network {
  return {
    async request(peer, path, body, signal) {
      const headers = { 'content-type': 'application/json' };
      const response = await transport.request(peer, { path, headers, body, signal });
      const bytes = await readBytes(response.body, ANSWER_BYTES_MAX);
      if (response.status !== 200) throw new PeerRefusal(response.status, {});
      return bytes;
    },
    broadcast: (topic, message) => mesh.broadcast(topic, message),
    onBroadcast: (topic, handler) => mesh.onBroadcast(topic, handler),
    connected: () => transport.connections().map(({ peer }) => peer),
    members: () => mesh.view().map(({ peer }) => peer),
  };
}

/** Lets members ask `answer` under this path. */
export function answerUnder(
  mesh: Mesh,
  path: string,
  answer: (body: Uint8Array, from: string) => Promise<Uint8Array>,
): void {
  mesh.onRequest(path, async ({ body, from }) => {
    const bytes = await answer(await readBytes(body, REQUEST_BYTES_MAX), from);
    return {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: (async function* () {
        yield bytes;
      })(),
    };
  });
}

/** @throws Error when there is more */
async function readBytes(body: AsyncIterable<Uint8Array>, bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > bytesMax) throw new Error(`more than ${bytesMax} bytes came`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
