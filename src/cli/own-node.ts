// A node for one command, where none is running. Loaded only then: it is most of the program.

import type { Config } from '../config/config.ts';
import { createNode, type FlowmeshNode } from '../node.ts';
import { silentLogger } from '../system/pino-logger.ts';
import { systemRandom } from '../system/system-random.ts';
import { UndiciHttpClient } from '../system/undici-http-client.ts';
import type { Running } from './chat.ts';
import type { CommandConfig } from './load-config.ts';
import { NodeClient } from './node-client.ts';
import { buildFailure } from './start-failure.ts';
import type { Surroundings } from './surroundings.ts';

/** A node of this process alone: a free port, a key that nobody knows, nothing kept. */
export async function ownNode({ config: written }: CommandConfig, around: Surroundings): Promise<Running> {
  const key = systemRandom.uuid();
  const config: Config = {
    ...written,
    server: { ...written.server, host: '127.0.0.1', port: 0, apiKeys: [key], anonymous: 'never' },
    dataDirectory: ':memory:',
  };
  const node = createOwnNode(config, around);
  const url = await node.listen();
  return { client: new NodeClient({ url, key }, around), config, stop: () => node.stop() };
}

function createOwnNode(config: Config, { clock }: Surroundings): FlowmeshNode {
  try {
    return createNode(config, { clock, random: systemRandom, http: new UndiciHttpClient(), logger: silentLogger });
  } catch (error) {
    throw buildFailure(error, config.dataDirectory);
  }
}
