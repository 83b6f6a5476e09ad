// A question about usage as people write it: words to group by, moments, and what to count.

import { suggestion } from '../config/nearest.ts';
import { GatewayError } from '../errors.ts';
import { parseMoment } from './moment.ts';
import { USAGE_GROUPS, USAGE_SCOPES, type UsageGroup, type UsageQuery, type UsageScopeName } from './usage-report.ts';

/** Each as text; absent ones leave everything in. */
export interface WrittenUsageQuery {
  /** `tenant,day` */
  readonly by?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly tenant?: string | undefined;
  readonly key?: string | undefined;
  readonly model?: string | undefined;
  /** `node` (default) or `mesh` */
  readonly scope?: string | undefined;
}

const DEFAULT_GROUPS = 'tenant,model';

/** @throws GatewayError `bad_request` in a sentence that names the field */
export function readUsageQuery(written: WrittenUsageQuery, nowMs: number): UsageQuery {
  const since = written.since === undefined ? undefined : parseMoment('since', written.since, nowMs, 'ago');
  const until = written.until === undefined ? undefined : parseMoment('until', written.until, nowMs, 'ago');
  if (since !== undefined && until !== undefined && since >= until) {
    throw new GatewayError('bad_request', 'until must be later than since.', { param: 'until' });
  }
  const scope = readScope(written.scope ?? 'node');
  return {
    scope,
    by: readGroups(written.by ?? DEFAULT_GROUPS, scope),
    since,
    until,
    tenant: written.tenant,
    keyId: written.key,
    model: written.model,
  };
}

/** Twice the same would only repeat a column. */
function readGroups(text: string, scope: UsageScopeName): UsageGroup[] {
  const words = text.split(',').map((word) => word.trim());
  return [...new Set(words.filter((word) => word !== '').map((word) => readGroup(word, scope)))];
}

function readGroup(word: string, scope: UsageScopeName): UsageGroup {
  const known = USAGE_GROUPS[scope];
  const group = known.find((one) => one === word);
  if (group !== undefined) return group;
  const hint = suggestion(word, known, ` There are: ${known.join(', ')}.`);
  const where = scope === 'mesh' ? ' in usage of the mesh' : '';
  throw new GatewayError(
    'bad_request',
    `by has '${word.slice(0, 100)}', which is nothing to group by${where}.${hint}`,
    {
      param: 'by',
    },
  );
}

function readScope(word: string): UsageScopeName {
  const scope = USAGE_SCOPES.find((one) => one === word);
  if (scope !== undefined) return scope;
  throw new GatewayError('bad_request', "scope must be 'node' or 'mesh'.", { param: 'scope' });
}
