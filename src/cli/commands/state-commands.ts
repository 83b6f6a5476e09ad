// Commands about what a node keeps.

import type { Command } from 'commander';
import { CONFIG_OPTION, JSON_OPTION, URL_OPTION } from './options.ts';

/** backup, restore, cache */
export function addStateCommands(program: Command): void {
  program
    .command('backup')
    .description('write what a node keeps into one file; it may run meanwhile')
    .option('-o, --output <place>', 'a file, or a directory (default: here, named by the time)')
    .option('-f, --force', 'overwrite')
    .option(...CONFIG_OPTION)
    .action(async (options) => (await import('../backup.ts')).backup(options));

  program
    .command('restore')
    .description('put a backup in place of what a stopped node has kept')
    .argument('<file>', 'from `flowmesh backup`')
    .option('-f, --force', 'set aside what is there')
    .option('--as-new-node', 'another node than the one that was saved, with an identity of its own')
    .option(...CONFIG_OPTION)
    .action(async (file, options) => (await import('../restore.ts')).restore(file, options));

  const cache = program.command('cache').description('answers that a running node has kept');
  cache
    .command('stats')
    .description('how many answers are kept, and what they have served')
    .option(...CONFIG_OPTION)
    .option(...URL_OPTION)
    .option(...JSON_OPTION)
    .action(async (options) => (await import('../cache.ts')).cacheStats(options));
  cache
    .command('clear')
    .description('forget kept answers: all, or those of a tenant or namespace')
    .option('-t, --tenant <name>', 'only those kept for this tenant')
    .option('-n, --namespace <name>', 'only those of this namespace')
    .option(...CONFIG_OPTION)
    .option(...URL_OPTION)
    .action(async (options) => (await import('../cache.ts')).clearCache(options));
}
