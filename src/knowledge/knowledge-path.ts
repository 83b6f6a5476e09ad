// Where the knowledge of a data directory lies.

import { join } from 'node:path';

export function knowledgePath(dataDirectory: string): string {
  return dataDirectory === ':memory:' ? dataDirectory : join(dataDirectory, 'knowledge.db');
}
