// The command line's entry: which command, with which options. Each command is a file in cli/, loaded when it is asked for.

import { Command, InvalidArgumentError } from 'commander';
import { ConfigError } from './config/config-error.ts';
import { VERSION } from './version.ts';

const program = new Command('flowmesh')
  .description('Self-hosted, OpenAI-compatible LLM gateway. Without a command it starts a node.')
  .version(VERSION);

program
  .command('start', { isDefault: true })
  .description('run a node')
  .option('-c, --config <file>', 'configuration (default: flowmesh.yaml here, then the user’s, then what is found)')
  .option('-p, --port <number>', 'listen on this port instead', portNumber)
  .action(async (options) => (await import('./cli/start.ts')).start(options));

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}

function portNumber(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new InvalidArgumentError('A port is a number from 0 to 65535.');
}
