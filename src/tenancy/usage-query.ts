// A question about usage as people write it: words to group by, moments, and what to count.

import { suggestion } from '../config/nearest.ts';
import { GatewayError } from '../errors.ts';
import { parseMoment } from './moment.ts';
import { USAGE_GROUPS, type UsageGroup, type UsageQuery } from './usage-report.ts';

/** Each as text; absent ones leave everything in. */
export interface WrittenUsageQuery {
  /** `tenant,day` */
  readonly by?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly tenant?: string | undefined;
  readonly key?: string | undefined;
  readonly model?: string | undefined;
}

const DEFAULT_GROUPS = 'tenant,model';

/** @throws GatewayError `bad_request` in a sentence that names the field */
export function readUsageQuery(written: WrittenUsageQuery, nowMs: number): UsageQuery {
  const { since, until } = written;
  return {
    by: readGroups(written.by ?? DEFAULT_GROUPS),
    since: since === undefined ? undefined : parseMoment('since', since, nowMs, 'ago'),
    until: until === undefined ? undefined : parseMoment('until', until, nowMs, 'ago'),
    tenant: written.tenant,
    keyId: written.key,
    model: written.model,
  };
}

/** Twice the same would only repeat a column. */
function readGroups(text: string): UsageGroup[] {
  const words = text.split(',').map((word) => word.trim());
  return [...new Set(words.filter((word) => word !== '').map(readGroup))];
}

function readGroup(word: string): UsageGroup {
  const group = USAGE_GROUPS.find((known) => known === word);
  if (group !== undefined) return group;
  const hint = suggestion(word, USAGE_GROUPS, ` There are: ${USAGE_GROUPS.join(', ')}.`);
  throw new GatewayError('bad_request', `by has '${word.slice(0, 100)}', which is nothing to group by.${hint}`, {
    param: 'by',
  });
}
