// What operators write about keys and tenants, from JSON or options, read strictly: whatever is not understood is
// refused in a sentence that names the field, so that no limit is silently without effect.

import { isIP } from 'node:net';
import { suggestion } from '../config/nearest.ts';
import { GatewayError } from '../errors.ts';
import { isObject } from '../model/json.ts';
import type { NewKey, TenantChanges } from './key-store.ts';
import { parseMoment } from './moment.ts';
import type { LimitSpec, Scopes } from './principal.ts';

/** As written: anything may be in it. */
type Fields = Readonly<Record<string, unknown>>;

/** What the node knows that input is checked against. */
export interface InputContext {
  readonly nowMs: number;
  /** Account name → its provider. Absent: nothing is configured to check against. */
  readonly accounts?: ReadonlyMap<string, string> | undefined;
}

export const ENDPOINTS = [
  'chat',
  'embeddings',
  'count-tokens',
  'audio',
  'images',
  'moderations',
  'rerank',
  'knowledge',
  'metrics',
] as const;

const COUNTS = ['requestsPerMinute', 'tokensPerMinute', 'concurrent', 'tokensPerDay', 'tokensPerMonth'] as const;
const COSTS = ['costPerDay', 'costPerMonth'] as const;
const SCOPES = ['models', 'chains', 'endpoints', 'collections', 'cidrs'] as const;
const LIMIT_FIELDS = [...COUNTS, ...COSTS, 'models'] as const;
const TENANT_FIELDS = ['isDisabled', 'limits', 'accounts', 'tags'] as const;
const KEY_FIELDS = ['tenant', 'name', 'expires', 'scopes', 'limits', 'accounts', 'tags'] as const;

const AMOUNT_MAX = 1e12;
/** Of a scope, and of the models that have limits of their own. */
const LIST_MAX = 200;
const TEXT_LENGTH_MAX = 256;
/** Tags go into every entry of the ledger. */
const TAGS_MAX = 20;

/** @throws GatewayError `bad_request` */
export function readNewKey(input: Fields, context: InputContext): NewKey {
  checkFields(input, '', KEY_FIELDS);
  const { expires } = input;
  const tenant = readText(input.tenant, 'tenant');
  return {
    tenant,
    name: input.name === undefined ? tenant : readText(input.name, 'name'),
    ...(expires !== undefined && { expiresAt: readExpiry(expires, context.nowMs) }),
    scopes: readScopes(input.scopes),
    limits: readLimits(input.limits),
    accounts: readAccounts(input.accounts, context),
    tags: readTags(input.tags),
  };
}

/** Only what is given. @throws GatewayError `bad_request` */
export function readTenantChanges(input: Fields, context: InputContext): TenantChanges {
  checkFields(input, '', TENANT_FIELDS);
  const { isDisabled, limits, accounts, tags } = input;
  if (isDisabled !== undefined && typeof isDisabled !== 'boolean') throw wrong('isDisabled', 'must be true or false.');
  return {
    ...(isDisabled !== undefined && { isDisabled }),
    ...(limits !== undefined && { limits: readLimits(limits) }),
    ...(accounts !== undefined && { accounts: readAccounts(accounts, context) }),
    ...(tags !== undefined && { tags: readTags(tags) }),
  };
}

function readExpiry(raw: unknown, nowMs: number): number {
  const expiresAt = parseMoment('expires', readText(raw, 'expires'), nowMs, 'ahead');
  if (expiresAt <= nowMs) throw wrong('expires', 'lies in the past.');
  return expiresAt;
}

function readLimits(raw: unknown, path = 'limits', fields: readonly string[] = LIMIT_FIELDS): LimitSpec {
  const input = readMapping(raw, path);
  checkFields(input, path, fields);
  const amounts = Object.entries(input).flatMap(([field, value]) =>
    field === 'models' ? [] : [[field, readAmount(value, `${path}.${field}`, isCount(field))] as const],
  );
  const written = Object.entries(readMapping(input.models, `${path}.models`));
  if (written.length > LIST_MAX) throw wrong(`${path}.models`, `has more than ${LIST_MAX} entries.`);
  const models = written.map(([pattern, spec]) => {
    checkPattern(pattern, `${path}.models`);
    const ownPath = `${path}.models.${shown(pattern)}`;
    return [pattern, readLimits(spec, ownPath, [...COUNTS, ...COSTS])] as const;
  });
  return { ...Object.fromEntries(amounts), ...(models.length > 0 && { models: Object.fromEntries(models) }) };
}

function isCount(field: string): boolean {
  return COUNTS.some((count) => count === field);
}

function readAmount(raw: unknown, path: string, isWhole: boolean): number {
  const isFit = typeof raw === 'number' && raw >= 0 && raw <= AMOUNT_MAX && (!isWhole || Number.isInteger(raw));
  if (isFit) return raw;
  const what = isWhole ? 'a whole number' : 'an amount of US dollars';
  throw wrong(path, `must be ${what} from 0 to ${AMOUNT_MAX.toLocaleString('en')}.`);
}

function readScopes(raw: unknown): Scopes {
  const input = readMapping(raw, 'scopes');
  checkFields(input, 'scopes', SCOPES);
  const lists = SCOPES.flatMap((field) =>
    input[field] === undefined ? [] : [[field, readList(input[field], `scopes.${field}`)] as const],
  );
  const scopes: Scopes = Object.fromEntries(lists);
  for (const field of ['models', 'chains'] as const) {
    for (const pattern of scopes[field] ?? []) checkPattern(pattern, `scopes.${field}`);
  }
  for (const endpoint of scopes.endpoints ?? []) {
    if (ENDPOINTS.some((known) => known === endpoint)) continue;
    const hint = suggestion(endpoint, ENDPOINTS, ` There are: ${ENDPOINTS.join(', ')}.`);
    throw wrong('scopes.endpoints', `has an unknown endpoint '${shown(endpoint)}'.${hint}`);
  }
  for (const cidr of scopes.cidrs ?? []) checkCidr(cidr);
  return scopes;
}

/** A star elsewhere than at the end would match nothing, and look as if it did. */
function checkPattern(pattern: string, path: string): void {
  if (pattern !== '' && !pattern.slice(0, -1).includes('*')) return;
  throw wrong(path, `has the pattern '${shown(pattern)}': write a whole name, or a beginning followed by '*'.`);
}

function checkCidr(cidr: string): void {
  const [address = '', prefix, ...rest] = cidr.split('/');
  const bits = isIP(address) === 6 ? 128 : 32;
  const isPrefix = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits);
  // An IPv4 address inside an IPv6 one would never match: clients' addresses are compared as plain IPv4.
  if (isIP(address) !== 0 && !/^::ffff:/i.test(address) && isPrefix && rest.length === 0) return;
  throw wrong('scopes.cidrs', `has '${shown(cidr)}', which is no address such as 192.168.1.7 or 192.168.1.0/24.`);
}

function readAccounts(raw: unknown, { accounts }: InputContext): Readonly<Record<string, string>> {
  const input = readMapping(raw, 'accounts');
  const read = Object.entries(input).map(([provider, value]) => {
    const path = `accounts.${shown(provider)}`;
    const account = readText(value, path);
    if (accounts) checkAccount(provider, account, path, accounts);
    return [provider, account] as const;
  });
  return Object.fromEntries(read);
}

function checkAccount(provider: string, account: string, path: string, accounts: ReadonlyMap<string, string>): void {
  const itsProvider = accounts.get(account);
  if (itsProvider === undefined) {
    throw wrong(path, `names an unknown account '${shown(account)}'.${suggestion(account, accounts.keys())}`);
  }
  if (itsProvider === provider) return;
  const hint = suggestion(provider, accounts.values());
  throw wrong(
    path,
    `names '${shown(account)}', which is an account of ${itsProvider}, not of ${shown(provider)}.${hint}`,
  );
}

function readTags(raw: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(readMapping(raw, 'tags'));
  if (entries.length > TAGS_MAX) throw wrong('tags', `has more than ${TAGS_MAX} tags.`);
  for (const [name] of entries) {
    if (!isText(name)) throw wrong('tags', `has a name that is not of 1 to ${TEXT_LENGTH_MAX} characters.`);
  }
  return Object.fromEntries(entries.map(([name, value]) => [name, readText(value, `tags.${shown(name)}`)]));
}

function readMapping(raw: unknown, path: string): Fields {
  if (raw === undefined) return {};
  if (isObject(raw)) return raw;
  throw wrong(path, 'must be an object.');
}

function readList(raw: unknown, path: string): readonly string[] {
  if (!Array.isArray(raw) || raw.length === 0) throw wrong(path, 'must be a list of at least one text.');
  if (raw.length > LIST_MAX) throw wrong(path, `has more than ${LIST_MAX} entries.`);
  return raw.map((item) => readText(item, path));
}

function readText(raw: unknown, path: string): string {
  if (isText(raw)) return raw;
  throw wrong(path, `must be text of 1 to ${TEXT_LENGTH_MAX} characters.`);
}

function isText(raw: unknown): raw is string {
  return typeof raw === 'string' && raw.trim() !== '' && raw.length <= TEXT_LENGTH_MAX;
}

function checkFields(input: Fields, path: string, known: readonly string[]): void {
  for (const field of Object.keys(input)) {
    if (known.includes(field)) continue;
    const written = path === '' ? shown(field) : `${path}.${shown(field)}`;
    throw wrong(written, `is unknown.${suggestion(field, known, ` There are: ${known.join(', ')}.`)}`);
  }
}

function wrong(path: string, sentence: string): GatewayError {
  return new GatewayError('bad_request', `${path} ${sentence}`, { param: path });
}

function shown(text: string): string {
  return text.slice(0, 100);
}
