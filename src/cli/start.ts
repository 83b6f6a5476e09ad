// `flowmesh start`: runs a node until it is told to stop.

import { resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { formatProblem } from '../config/config-error.ts';
import { needsKey } from '../config/exposure.ts';
import type { MeshConfig } from '../config/mesh.ts';
import { watchConfig } from '../config/watch.ts';
import { createNode, type FlowmeshNode } from '../node.ts';
import type { Logger } from '../ports.ts';
import { forgetPages } from '../storage/database.ts';
import { DirectoryInUse } from '../storage/directory-lock.ts';
import { keepTickShape, tuneForRequests } from '../system/engine.ts';
import { releaseFreedMemory } from '../system/freed-memory.ts';
import { keepIdleMemorySmall } from '../system/idle-memory.ts';
import { createLogger } from '../system/pino-logger.ts';
import { systemClock } from '../system/system-clock.ts';
import { systemRandom } from '../system/system-random.ts';
import { UndiciHttpClient } from '../system/undici-http-client.ts';
import { releaseUnusedCode } from '../system/unused-code.ts';
import { releaseUnusedHeap } from '../system/unused-heap.ts';
import { VERSION } from '../version.ts';
import { banner } from './banner.ts';
import { EXIT } from './command-error.ts';
import { type CommandConfig, commandConfig, fromLoaded, loadOptions } from './load-config.ts';
import { NodeClient } from './node-client.ts';
import { buildFailure, inUseFailure, listenFailure } from './start-failure.ts';
import type { Surroundings } from './surroundings.ts';

export interface StartOptions {
  readonly config?: string;
  readonly port?: number;
  readonly host?: string;
}

type FlushingLogger = Awaited<ReturnType<typeof createLogger>>;

interface RunningNode {
  readonly node: FlowmeshNode;
  readonly logger: FlushingLogger;
  /** Where it listens, whatever a later configuration says. */
  readonly listening: Pick<Config['server'], 'host' | 'port'>;
  readonly around: Surroundings;
}

/** Resolves when the node is ready; the process then ends with a signal. */
export async function start(options: StartOptions): Promise<void> {
  keepTickShape();
  const around = { env: process.env, directory: process.cwd(), http: new UndiciHttpClient(), clock: systemClock };
  try {
    await run(options, around);
  } catch (error) {
    await around.http.close();
    throw error;
  }
}

async function run(options: StartOptions, around: Surroundings): Promise<void> {
  const loaded = await commandConfig(options.config, around);
  const { host = loaded.config.server.host, port = loaded.config.server.port } = options;
  const config = listeningOn(loaded.config, { host, port });
  const isPretty = config.log.format === 'pretty' || (config.log.format === 'auto' && process.stdout.isTTY);
  const logger = await createLogger({ level: config.log.level, isPretty });
  const isNode = (at: string): Promise<boolean> => new NodeClient({ url: at, key: undefined }, around).isAnswering();
  const node = await buildNode(config, around, logger, isNode);
  const url = await node.listen().catch(async (error) => {
    const failure = await listenFailure(error, config.server, isNode);
    await node.stop();
    throw failure;
  });
  const running = { node, logger, listening: { host, port }, around };
  // Before the word that it is ready: whoever waits for that word may signal at once.
  const stopWatching = follow(loaded.file, options, running);
  stopOnSignal(running, stopWatching);
  process.stderr.write(banner({ ...loaded, config }, url, needsKey(config.server, node.keys.hasKeys())));
  const file = loaded.file === undefined ? undefined : resolve(loaded.file);
  logger.info({ version: VERSION, url, config: file }, 'flowmesh is ready');
  const untilRequests = systemClock.every(LOOK_FOR_REQUESTS_MS, () => {
    if (node.begunCount === 0) return;
    tuneForRequests();
    untilRequests.cancel();
  });
  keepIdleMemorySmall({
    clock: systemClock,
    isIdle: () => node.runningCount === 0,
    begun: () => node.begunCount,
    held: () => process.memoryUsage.rss(),
    release: () => {
      forgetPages();
      releaseUnusedHeap();
      releaseFreedMemory();
      releaseUnusedCode();
    },
  });
}

async function buildNode(
  config: Config,
  { http, env }: Surroundings,
  logger: Logger,
  isNode: (url: string) => Promise<boolean>,
): Promise<FlowmeshNode> {
  try {
    const mesh = config.mesh && (await joinMesh(config, config.mesh, env, logger));
    const node = createNode(config, { clock: systemClock, random: systemRandom, http, logger, ...(mesh && { mesh }) });
    mesh?.onNode(node);
    return node;
  } catch (error) {
    if (error instanceof DirectoryInUse) throw await inUseFailure(error, config.server, isNode);
    throw buildFailure(error, config.dataDirectory);
  }
}

/** The network and the node need each other: what beacons say is known only when the node is there. */
async function joinMesh(config: Config, mesh: MeshConfig, env: Surroundings['env'], logger: Logger) {
  const { meshNetwork } = await import('./mesh-ports.ts');
  let node: FlowmeshNode | undefined;
  const network = await meshNetwork(config, mesh, env, logger, () => node?.mesh?.meshTag());
  return {
    ...network,
    onNode: (built: FlowmeshNode): void => {
      node = built;
    },
  };
}

/** The configuration with the address that is really listened on. */
function listeningOn(config: Config, { host, port }: RunningNode['listening']): Config {
  return { ...config, server: { ...config.server, host, port } };
}

/** Takes over changes of the file as they come, and reads everything anew on SIGHUP. Returns how to stop that. */
function follow(file: string | undefined, options: StartOptions, running: RunningNode): () => Promise<void> {
  const { logger, around } = running;
  const onInvalid = (error: Error): void =>
    logger.error({ file, reason: error.message }, 'the new configuration is invalid; the old one stays');
  if (file === undefined) {
    process.on('SIGHUP', () => {
      commandConfig(options.config, around).then((loaded) => takeOver(loaded, running), onInvalid);
    });
    return () => Promise.resolve();
  }
  const watcher = watchConfig(file, {
    ...loadOptions(process.env),
    clock: systemClock,
    onChange: (loaded) => takeOver(fromLoaded(loaded, file, process.env), running),
    onInvalid,
  });
  process.on('SIGHUP', () => watcher.reload());
  return () => watcher.close();
}

function takeOver({ config, file, warnings }: CommandConfig, { node, logger, listening }: RunningNode): void {
  try {
    node.reload(listeningOn(config, listening));
  } catch (error) {
    logger.error({ file, reason: (error as Error).message }, 'the new configuration cannot be used; the old one stays');
    return;
  }
  const shown = warnings.map((warning) => formatProblem(file ?? '', warning));
  logger.info({ file, warnings: shown }, 'configuration reloaded');
}

/** A wrapper passes on what the terminal has sent to the whole group already: that is not asking twice. */
const ECHO_MS = 500;
const LOOK_FOR_REQUESTS_MS = 1_000;

function stopOnSignal({ node, logger }: RunningNode, stopWatching: () => Promise<void>): void {
  let first: { readonly signal: string; readonly at: number } | undefined;
  const stop = async (signal: string): Promise<void> => {
    const at = systemClock.elapsed();
    if (first) {
      const isEcho = signal === first.signal && at - first.at < ECHO_MS;
      // Asked twice: the person at the terminal means it.
      if (!isEcho) process.exit(EXIT.failed);
      return;
    }
    first = { signal, at };
    logger.info({ signal }, 'stopping: no new requests, running ones may end');
    await stopWatching();
    await node.stop();
    logger.info({}, 'stopped');
    logger.flush();
    // The last lines may wait in a slow pipe.
    process.stdout.write('', () => process.exit(EXIT.ok));
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(signal));
}
