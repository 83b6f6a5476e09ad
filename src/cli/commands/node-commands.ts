// Commands that run a node, and that write and check what it runs with.

import { type Command, InvalidArgumentError } from 'commander';
import { CONFIG_OPTION, JSON_OPTION } from './options.ts';

/** start, init, check-config, doctor */
export function addNodeCommands(program: Command): void {
  program
    .command('start')
    .description('run a node (also without the word: flowmesh --config config.yaml)')
    .option(...CONFIG_OPTION)
    .option('-p, --port <number>', 'listen on this port instead; 0 picks a free one', portNumber)
    .option('-H, --host <address>', 'listen on this address instead; anything but this machine needs a key')
    .action(async (options) => (await import('../start.ts')).start(options));

  program
    .command('init')
    .description('write a commented configuration with what is found here')
    .argument('[file]', 'where to', 'flowmesh.yaml')
    .option('-f, --force', 'overwrite')
    .action(async (file, options) => (await import('../init.ts')).init(file, options));

  program
    .command('check-config')
    .alias('check')
    .description('check a configuration and say what it means')
    .argument('[file]', 'configuration (default: flowmesh.yaml here, the user’s, the machine’s)')
    .option('-c, --config <file>', 'the same, as other commands have it')
    .option(...JSON_OPTION)
    .action(async (file, options) => (await import('../check-config.ts')).checkConfig(file, options));

  program
    .command('doctor')
    .description('check what is configured, what can be reached and what is wrong')
    .option(...CONFIG_OPTION)
    .option(...JSON_OPTION)
    .action(async (options) => (await import('../doctor.ts')).doctor(options));
}

function portNumber(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('A port is a number from 0 to 65535.');
}
