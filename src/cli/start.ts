// `flowmesh start`: runs a node until it is told to stop.

import { formatProblem } from '../config/config-error.ts';
import { watchConfig } from '../config/watch.ts';
import { createNode, type FlowmeshNode } from '../node.ts';
import type { Logger } from '../ports.ts';
import { createLogger } from '../system/pino-logger.ts';
import { systemClock } from '../system/system-clock.ts';
import { systemRandom } from '../system/system-random.ts';
import { UndiciHttpClient } from '../system/undici-http-client.ts';
import { VERSION } from '../version.ts';
import { type CommandConfig, commandConfig, loadOptions } from './load-config.ts';

export interface StartOptions {
  readonly config?: string;
  readonly port?: number;
  readonly host?: string;
}

export async function start(options: StartOptions): Promise<void> {
  const http = new UndiciHttpClient();
  const around = { env: process.env, directory: process.cwd(), http, clock: systemClock };
  const loaded = await commandConfig(options.config, around);
  const overrides = (config: CommandConfig['config']): CommandConfig['config'] => ({
    ...config,
    server: { ...config.server, ...(options.port !== undefined && { port: options.port }) },
  });
  const config = overrides(loaded.config);
  const isPretty = config.log.format === 'pretty' || (config.log.format === 'auto' && process.stdout.isTTY);
  const logger = await createLogger({ level: config.log.level, isPretty });
  const node = createNode(config, { clock: systemClock, random: systemRandom, http, logger });
  const url = await node.listen();
  process.stdout.write(banner(loaded, url));
  logger.info({ version: VERSION, url, config: loaded.file }, 'flowmesh is ready');
  const stopWatching = loaded.file === undefined ? undefined : followFile(loaded.file, node, overrides, logger);
  stopOnSignal(node, logger, stopWatching);
}

function followFile(
  file: string,
  node: FlowmeshNode,
  overrides: (config: CommandConfig['config']) => CommandConfig['config'],
  logger: Logger,
): () => Promise<void> {
  const watcher = watchConfig(file, {
    ...loadOptions(process.env),
    clock: systemClock,
    onChange({ config, warnings }) {
      try {
        node.reload(overrides(config));
      } catch (error) {
        logger.error({ file, reason: (error as Error).message }, 'the new configuration cannot be used; the old one stays');
        return;
      }
      logger.info({ file, warnings: warnings.map((warning) => formatProblem(file, warning)) }, 'configuration reloaded');
    },
    onInvalid(error) {
      logger.error({ file, reason: error.message }, 'the new configuration is invalid; the old one stays');
    },
  });
  process.on('SIGHUP', () => watcher.reload());
  return () => watcher.close();
}

function stopOnSignal(node: FlowmeshNode, logger: Logger & { flush(): void }, stopWatching?: () => Promise<void>): void {
  let isStopping = false;
  const stop = async (signal: string): Promise<void> => {
    // Asked twice: the person at the terminal means it.
    if (isStopping) process.exit(1);
    isStopping = true;
    logger.info({ signal }, 'stopping: no new requests, running ones may end');
    await stopWatching?.();
    await node.stop();
    logger.info({}, 'stopped');
    logger.flush();
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(signal));
}

function banner({ config, file, warnings, findings }: CommandConfig, url: string): string {
  const lines = [`flowmesh ${VERSION}`, ''];
  if (file !== undefined) {
    lines.push(`  config   ${file}`);
    for (const warning of warnings) lines.push(`  warning  ${formatProblem(file, warning)}`);
  } else {
    for (const { name, detail, isUsable, modelCount } of findings) {
      const count = modelCount === undefined ? '' : ` (${modelCount} ${modelCount === 1 ? 'model' : 'models'})`;
      lines.push(`  ${isUsable ? 'found ' : 'unused'}   ${name}: ${detail}${count}`);
    }
  }
  for (const [name, { targets }] of Object.entries(config.chains)) {
    lines.push(`  chain    ${name}: ${targets.map(({ account, model }) => `${account}/${model}`).join(' → ')}`);
  }
  lines.push(
    `  endpoint ${url}/v1`,
    '',
    'Try it:',
    `  curl ${url}/v1/chat/completions -d '{"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}'`,
    '',
  );
  return `${lines.join('\n')}\n`;
}
