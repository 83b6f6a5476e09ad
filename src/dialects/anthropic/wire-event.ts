// One server-sent event of the Messages API.

import type { JsonObject } from '../../model/json.ts';
import { sseData } from '../sse-text.ts';

export function wireEvent(name: string, data: JsonObject): string {
  return `event: ${name}\n${sseData(JSON.stringify(data))}`;
}
