// Commands about what models cost.

import type { Command } from 'commander';
import { CONFIG_OPTION, JSON_OPTION } from './options.ts';

/** prices */
export function addPriceCommands(program: Command): void {
  const prices = program.command('prices').description('what models cost and can do, and bringing that up to date');
  prices
    .command('list')
    .description('list the table: built in, and updated from files')
    .option(...CONFIG_OPTION)
    .option(...JSON_OPTION)
    .action(async (options) => (await import('../prices.ts')).listPrices(options));
  prices
    .command('show')
    .description('say everything that is known of a model')
    .argument('<model>', 'its name, provider/model or account/model')
    .option(...CONFIG_OPTION)
    .option(...JSON_OPTION)
    .action(async (model, options) => (await import('../prices.ts')).showPrice(model, options));
  prices
    .command('update')
    .description('take prices from a file: flowmesh’s own shape, models.dev’s api.json or LiteLLM’s price map')
    .argument('<file>', 'the JSON file')
    .option(...CONFIG_OPTION)
    .action(async (file, options) => (await import('../prices.ts')).updatePrices(file, options));
}
