// Commands about the configuration's form.

import type { Command } from 'commander';

/** schema, import */
export function addConfigurationCommands(program: Command): void {
  program
    .command('schema')
    .description('print the JSON schema of the configuration, for editors')
    .action(async () => (await import('../schema.ts')).schema());

  program
    .command('import')
    .description('convert the configuration of another gateway')
    .command('litellm')
    .description('convert a LiteLLM config.yaml')
    .argument('<file>', 'LiteLLM’s configuration')
    .option('-o, --output <file>', 'write there instead of to standard output')
    .option('-f, --force', 'overwrite')
    .action(async (file, options) => (await import('../import-litellm.ts')).importLitellmFile(file, options));
}
