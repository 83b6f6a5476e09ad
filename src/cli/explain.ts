// `flowmesh explain`: where a chat request would go and why, as a running node says or one made just for this.

import { text } from 'node:stream/consumers';
import { asArray, asString, parseObject } from '../model/json.ts';
import type { Running } from './chat.ts';
import { CommandError, EXIT } from './command-error.ts';
import { findNode, type NodeOptions, readTextFile } from './find-node.ts';
import { withSurroundings } from './surroundings.ts';
import { harmless, print, printJson } from './terminal.ts';

export interface ExplainOptions extends NodeOptions {
  readonly json?: boolean;
}

export async function explain(file: string, { json, ...options }: ExplainOptions): Promise<void> {
  const request = parseObject(file === '-' ? await text(process.stdin) : readTextFile(file));
  if (!request) {
    const name = file === '-' ? 'Standard input' : file;
    throw new CommandError(`${name} holds no JSON object: a chat request in OpenAI's format is expected.`, EXIT.usage);
  }
  const explanation = await withSurroundings(async (around) => {
    const found = await findNode(options, around, 'explaining what one of this configuration would do');
    const running: Running =
      found.type === 'node' ? found : await (await import('./own-node.ts')).ownNode(found.loaded, around);
    try {
      return await running.client.explain(request);
    } finally {
      await running.stop?.();
    }
  });
  if (json) printJson(explanation);
  else for (const line of asArray(explanation.text)) print(harmless(asString(line) ?? ''));
}
