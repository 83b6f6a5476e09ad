// Commands that ask models, or where a request to them would go.

import type { Command } from 'commander';
import { CONFIG_OPTION, collected, JSON_OPTION, KEY_OPTION, URL_OPTION } from './options.ts';

/** models, chat, compare, explain */
export function addModelCommands(program: Command): void {
  program
    .command('models')
    .description('list what clients may ask for: from a running node, else from the accounts')
    .option(...CONFIG_OPTION)
    .option(...URL_OPTION)
    .option(...KEY_OPTION)
    .option(...JSON_OPTION)
    .action(async (options) => (await import('../models.ts')).models(options));

  program
    .command('chat')
    .description('ask a model: a running node, else the providers directly')
    .argument('[prompt]', 'the question; - reads it from standard input; without it a conversation starts')
    .option('-m, --model <name>', 'chain, alias, model or account/model (default: the default chain)')
    .option('-s, --system <text>', 'instructions for the model')
    .option('-f, --file <file>', 'add the text of a file; may be given several times', collected)
    .option('-r, --reasoning', 'show the reasoning, on standard error')
    .option(...CONFIG_OPTION)
    .option(...URL_OPTION)
    .option(...KEY_OPTION)
    .action(async (prompt, options) => (await import('../chat.ts')).chat(prompt, options));

  program
    .command('compare')
    .description('ask several models the same and set quality, cost and speed side by side')
    .option('-m, --models <names>', 'from two to eight, with commas between; the first is the baseline')
    .option('-p, --prompts <file>', 'JSON lines, a YAML list, or text with one prompt a line; - reads standard input')
    .option('--from-log', 'ask again what clients asked; the node keeps that with `prompts: {isStored: true}`')
    .option('--from-shadow', 'compare what shadow traffic has brought, without asking anybody but the judge')
    .option('--since <when>', 'kept from then on: 7d, 12h or a date')
    .option('-t, --tenant <name>', 'kept of this tenant')
    .option('--limit <number>', 'the newest so many that are kept', '100')
    .option('-j, --judge <model>', 'a model that says which answer is better (default: similarity of the texts)')
    .option('--repeat <number>', 'how often each prompt is asked', '1')
    .option('--concurrency <number>', 'questions under way at once; more of them slow each other down', '2')
    .option('--max-tokens <number>', 'longest answer')
    .option('--html <file>', 'write a report with charts and every answer')
    .option('--json <file>', 'write everything, for programs')
    .option('-f, --force', 'overwrite these files')
    .option(...CONFIG_OPTION)
    .option(...URL_OPTION)
    .option(...KEY_OPTION)
    .action(async (options) => (await import('../compare.ts')).compare(options));

  program
    .command('explain')
    .description('say where a chat request would go and why, without asking anybody')
    .argument('<file>', 'a chat request as clients send it, in OpenAI’s JSON; - reads it from standard input')
    .option(...CONFIG_OPTION)
    .option(...URL_OPTION)
    .option(...KEY_OPTION)
    .option(...JSON_OPTION)
    .action(async (file, options) => (await import('../explain.ts')).explain(file, options));
}
