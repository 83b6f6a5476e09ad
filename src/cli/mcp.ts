// `flowmesh mcp`: the knowledge brain as tools for an agent on this machine, over standard input and output.

import { fullAccess } from '../knowledge/access.ts';
import { VERSION } from '../version.ts';
import { type KnowledgeOptions, withKnowledge } from './open-knowledge.ts';
import { note } from './terminal.ts';

export async function mcp(options: KnowledgeOptions): Promise<void> {
  // Takes long to load, and only agents wait for it.
  const { serveStdio } = await import('../knowledge/mcp/server.ts');
  await withKnowledge(options, ({ knowledge, ingest }) =>
    serveStdio({
      knowledge,
      ingest,
      access: fullAccess(options.tenant),
      version: VERSION,
      // Standard output belongs to the protocol.
      onDefect: (error) => note(error instanceof Error ? (error.stack ?? error.message) : String(error)),
    }),
  );
}
