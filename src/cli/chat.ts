// `flowmesh chat`: asks a running node, or one made just for this, and shows the answer as it comes.

import { basename } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Config } from '../config/config.ts';
import { ChatSession } from './chat-session.ts';
import { CommandError, EXIT } from './command-error.ts';
import { findNode, type NodeOptions, readTextFile } from './find-node.ts';
import type { NodeClient } from './node-client.ts';
import { withSurroundings } from './surroundings.ts';

export interface ChatOptions extends NodeOptions {
  readonly model?: string;
  readonly system?: string;
  readonly file?: readonly string[];
  readonly reasoning?: boolean;
}

export interface Running {
  readonly client: NodeClient;
  readonly config: Config | undefined;
  stop?(): Promise<void>;
}

export async function chat(prompt: string | undefined, options: ChatOptions): Promise<void> {
  const files = (options.file ?? []).map((file) => `${basename(file)}:\n${readTextFile(file)}`);
  const isConversation = prompt === undefined && process.stdin.isTTY;
  const asked = isConversation ? '' : await question(prompt);
  const material = [...(asked === '' ? [] : [asked]), ...files].join('\n\n');
  if (!isConversation && material === '') throw new CommandError('There is nothing to ask.', EXIT.usage);
  await withSurroundings(async (around) => {
    const found = await findNode(options, around);
    const running: Running =
      found.type === 'node' ? found : await (await import('./own-node.ts')).ownNode(found.loaded, around);
    try {
      const session = new ChatSession({
        client: running.client,
        clock: around.clock,
        model: options.model ?? modelOf(running.config),
        isReasoningShown: options.reasoning ?? false,
        system: options.system,
      });
      if (isConversation) await session.converse(material);
      else await session.askOnce(material);
    } finally {
      await running.stop?.();
    }
  });
}

/** The argument, or standard input for none and for `-`. */
async function question(prompt: string | undefined): Promise<string> {
  return (prompt === undefined || prompt === '-' ? await text(process.stdin) : prompt).trim();
}

/** Whatever a node serves when nobody chose: `auto` is what the start without a configuration calls it. */
function modelOf(config: Config | undefined): string {
  return config?.defaultChain ?? Object.keys(config?.chains ?? {})[0] ?? 'auto';
}
