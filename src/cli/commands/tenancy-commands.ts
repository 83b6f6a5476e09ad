// Commands about who may ask, within which limits, and what they used.

import type { Command } from 'commander';
import { CONFIG_OPTION, collected, JSON_OPTION } from './options.ts';

/** keys, tenants, usage */
export function addTenancyCommands(program: Command): void {
  const keys = program.command('keys').description('virtual keys: what clients send instead of a provider key');
  withLimits(
    keys
      .command('create')
      .description('make a key; its secret is printed once')
      .requiredOption('-t, --tenant <name>', 'whose key it is')
      .option('-n, --name <text>', 'what it is for (default: the tenant)')
      .option('--models <names>', 'only these models; * at an end stands for anything: gpt-*,claude-haiku-4-5')
      .option('--chains <names>', 'only these chains')
      .option(
        '--endpoints <names>',
        'only these: chat, embeddings, count-tokens, audio, images, moderations, rerank, knowledge, metrics',
      )
      .option('--collections <names>', 'only these knowledge collections')
      .option('--cidr <networks>', 'only from these addresses: 192.168.1.0/24')
      .option('--expires <when>', 'how long it is valid: 30d, or until a date'),
  )
    .option(...CONFIG_OPTION)
    .action(async (options) => (await import('../keys.ts')).createKey(options));
  keys
    .command('list')
    .description('list the keys, without their secrets')
    .option('-t, --tenant <name>', 'only of this tenant')
    .option(...CONFIG_OPTION)
    .option(...JSON_OPTION)
    .action(async (options) => (await import('../keys.ts')).listKeys(options));
  keys
    .command('rotate')
    .description('give a key a new secret; the old one is refused at once')
    .argument('<id>', 'key_…, from `flowmesh keys list`')
    .option(...CONFIG_OPTION)
    .action(async (id, options) => (await import('../keys.ts')).rotateKey(id, options));
  keys
    .command('revoke')
    .description('refuse a key from now on')
    .argument('<id>', 'key_…, from `flowmesh keys list`')
    .option(...CONFIG_OPTION)
    .action(async (id, options) => (await import('../keys.ts')).revokeKey(id, options));

  const tenants = program.command('tenants').description('customers: they own keys, limits and budgets');
  withLimits(tenants.command('set').description('make a tenant, or change it').argument('<name>', 'the tenant'))
    .option('--clear-limits', 'without the limits it had')
    .option('--disable', 'refuse all its keys')
    .option('--enable', 'take its keys again')
    .option(...CONFIG_OPTION)
    .action(async (name, options) => (await import('../keys.ts')).setTenant(name, options));
  tenants
    .command('list')
    .description('list the tenants')
    .option(...CONFIG_OPTION)
    .option(...JSON_OPTION)
    .action(async (options) => (await import('../keys.ts')).listTenants(options));

  program
    .command('usage')
    .description('what was used and what it cost')
    .option(
      '--by <words>',
      'tenant, key, model, target, provider, operation, prompt, day, month, status (default: tenant,model)',
    )
    .option('--since <when>', 'from then on: 7d, 12h or a date')
    .option('--until <when>', 'before then: 1d or a date')
    .option('-t, --tenant <name>', 'only of this tenant')
    .option('--key <id>', 'only of this key')
    .option('-m, --model <name>', 'only of this model')
    .option('--mesh', 'of all nodes of the mesh; --by may have tenant, key, model, day, month, node')
    .option('--entries', 'every entry of the ledger, as JSON lines or as CSV')
    .option('--csv', 'print CSV, for spreadsheets')
    .option(...CONFIG_OPTION)
    .option(...JSON_OPTION)
    .action(async (options) => (await import('../usage.ts')).usage(options));
}

/** What a key and a tenant have in common. */
function withLimits(command: Command): Command {
  return command
    .option('--rpm <number>', 'requests a minute')
    .option('--tpm <number>', 'tokens a minute')
    .option('--concurrent <number>', 'requests running at once')
    .option('--cost-per-day <dollars>', 'budget of a day (UTC)')
    .option('--cost-per-month <dollars>', 'budget of a month (UTC)')
    .option('--tokens-per-day <number>', 'tokens of a day (UTC)')
    .option('--tokens-per-month <number>', 'tokens of a month (UTC)')
    .option('--tag <name=value>', 'put into every ledger entry; may be given several times', collected)
    .option('--account <provider=account>', 'whose credential is used there; may be given several times', collected);
}
