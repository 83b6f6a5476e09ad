// Where the knowledge of a data directory lies.

import { join } from 'node:path';

export const KNOWLEDGE_FILE = 'knowledge.db';

export function knowledgePath(dataDirectory: string): string {
  return dataDirectory === ':memory:' ? dataDirectory : join(dataDirectory, KNOWLEDGE_FILE);
}
