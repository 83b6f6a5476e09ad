// From what the file says to the Config the program runs on: accounts for inline targets, references checked,
// targets without a key left out.

import { AccountBook, hasCredential } from './accounts.ts';
import { type CacheRule, type CompactionRule, overrideOf } from './cache.ts';
import { ChainAssembler, type WrittenChain, type WrittenMember } from './chain-members.ts';
import type { ChainConfig, Config, TargetConfig } from './config.ts';
import type { ConfigPath } from './config-path.ts';
import { DEFAULT_CHAIN_NAME } from './defaults.ts';
import type { Findings } from './findings.ts';
import { isUnset, type UnsetVariable } from './interpolate.ts';
import { resolveChainKnowledge, resolveKnowledge } from './knowledge.ts';
import { resolveMesh } from './mesh.ts';
import { suggestion } from './nearest.ts';
import { resolvePrices } from './prices.ts';
import { DEFAULT_HEDGE, DEFAULT_STRATEGY, type RuleConfig } from './routing.ts';
import { type Reach, resolveRules } from './rules.ts';
import type { FileChain, FileConfig, FileTarget, FileTargetMapping } from './schema.ts';

interface ResolveOptions {
  readonly providers: ReadonlySet<string>;
  readonly dataDirectory: string;
  /** A path of the file as an absolute one. */
  readonly pathOf: (written: string) => string;
}

export function resolveConfig(file: FileConfig, options: ResolveOptions, findings: Findings): Config {
  const book = new AccountBook(options.providers, findings);
  const resolver = new Resolver(file, book, findings);
  const { server, timeouts, retries, cooldown, responses, ledger, prompts, shadow, cache, compaction, log } = file;
  const { dataDirectory, pathOf } = options;
  const routes = resolver.resolve();
  const prices = resolvePrices(file.prices, book, findings);
  const isServed = (model: string): boolean => resolver.isServed(model, routes);
  const knowledge = resolveKnowledge(file.knowledge, { pathOf, isServed }, findings);
  const sections = { server, timeouts, retries, cooldown, responses, ledger, prompts, shadow, cache, compaction, log };
  const mesh = resolveMesh(file.mesh, findings);
  return { ...sections, ...routes, knowledge, prices, dataDirectory, ...(mesh && { mesh }) };
}

/** Something that cannot be used because a key is not set. */
interface Skipped {
  readonly path: ConfigPath;
  readonly unset: UnsetVariable;
  /** What is left out, in words. */
  readonly what: string;
}

type Routes = Pick<Config, 'accounts' | 'chains' | 'aliases' | 'defaultChain' | 'rules'>;

class Resolver {
  readonly #file: FileConfig;
  readonly #book: AccountBook;
  readonly #findings: Findings;
  readonly #skipped: Skipped[] = [];
  /** The account of each inline target; undefined where it is wrong or has no key. */
  readonly #inline = new Map<FileTargetMapping, string | undefined>();

  constructor(file: FileConfig, book: AccountBook, findings: Findings) {
    this.#file = file;
    this.#book = book;
    this.#findings = findings;
  }

  resolve(): Routes {
    this.#addAccounts();
    const chains = this.#resolveChains();
    this.#reportSkipped();
    const left = this.#checkShadows(this.#dropEmptyChains(chains));
    const aliases = this.#resolveAliases(left);
    const defaultChain = this.#resolveDefaultChain(left);
    const rules = this.#resolveRules(left);
    return {
      accounts: this.#book.accounts,
      chains: left,
      aliases,
      ...(defaultChain !== undefined && { defaultChain }),
      ...(rules.length > 0 && { rules }),
    };
  }

  /** As a client would ask for it: an alias, a chain or `account/model`, also where its key is missing now. */
  isServed(model: string, { aliases, chains }: Pick<Routes, 'aliases' | 'chains'>): boolean {
    return Object.hasOwn(aliases, model) || this.#reach(model, chains) !== 'unknown';
  }

  /** Written accounts first, then those of targets: `account/model` may name either, wherever it stands. */
  #addAccounts(): void {
    for (const [name, account] of Object.entries(this.#file.accounts)) {
      const path = ['accounts', name];
      const unset = this.#book.add(name, account, path);
      if (unset !== undefined) this.#skip(account, path, unset, `the account '${name}'`);
    }
    for (const { target, path } of this.#everyTarget()) {
      if (typeof target === 'string' || target.account !== undefined || target.provider === undefined) continue;
      if (!hasCredential(target)) continue;
      const added = this.#book.addInline(target.provider, target, path);
      if (isUnset(added)) this.#skip(target, path, added, `the target ${target.provider}/${target.model}`);
      this.#inline.set(target, isUnset(added) ? undefined : added);
    }
  }

  #skip(owner: { key?: unknown }, path: ConfigPath, unset: UnsetVariable, what: string): void {
    const keyPath = owner.key === undefined ? [...path, 'keys', 0] : [...path, 'key'];
    this.#skipped.push({ path: keyPath, unset, what });
  }

  *#everyTarget(): Generator<{ target: FileTarget; path: ConfigPath }> {
    for (const [name, chain] of Object.entries(this.#file.chains)) {
      for (const { targets, path } of targetLists(chain, ['chains', name])) {
        for (const [index, target] of targets.entries()) yield { target, path: [...path, index] };
      }
    }
  }

  #resolveChains(): Map<string, ChainConfig> {
    const written = new Map<string, WrittenChain>();
    for (const [name, chain] of Object.entries(this.#file.chains)) written.set(name, this.#writtenChain(name, chain));
    const assembler = new ChainAssembler(written, this.#findings);
    return new Map([...written].map(([name, chain]) => [name, assembler.assemble(name, chain)]));
  }

  #writtenChain(name: string, chain: FileChain): WrittenChain {
    const path = ['chains', name];
    const lists = targetLists(chain, path);
    if (lists[0]?.targets.length === 0) this.#findings.problem(path, `the chain '${name}' has no targets.`);
    const [targets = [], onContextLength = [], onContentFilter = []] = lists.map((list) =>
      list.targets.flatMap((target, index) => this.#resolveMember(target, [...list.path, index]) ?? []),
    );
    const { strategy, affinity, hedge, shadow, peers, timeouts, retries, cache, compaction, knowledge } = Array.isArray(
      chain,
    )
      ? PLAIN_CHAIN
      : chain;
    return {
      path,
      targets,
      onContextLength,
      onContentFilter,
      strategy: typeof strategy === 'string' ? { ...DEFAULT_STRATEGY, type: strategy } : strategy,
      affinity,
      hedge: hedge === true ? DEFAULT_HEDGE : hedge || undefined,
      shadow,
      peers,
      timeouts,
      retries,
      cache: overrideOf<CacheRule>(cache),
      compaction: overrideOf<CompactionRule>(compaction),
      knowledge: resolveChainKnowledge(knowledge, this.#file.knowledge),
    };
  }

  #resolveMember(written: FileTarget, path: ConfigPath): WrittenMember | undefined {
    if (typeof written === 'string' || written.chain === undefined) {
      const target = this.#resolveTarget(written, path);
      return target && { type: 'target', target, weight: typeof written === 'string' ? 1 : written.weight };
    }
    const { chain: name, weight } = written;
    if (!isReferenceOnly(written)) {
      this.#findings.problem(path, "a target that is a 'chain' takes no other key than 'weight'.");
      return undefined;
    }
    return { type: 'chain', name, weight, path };
  }

  /** Undefined when the target is wrong, which is reported, or has no key, which is reported once for its account. */
  #resolveTarget(target: FileTarget, path: ConfigPath): TargetConfig | undefined {
    if (typeof target === 'string') {
      const [owner, model] = splitName(target);
      const account = this.#shorthandAccount(target, owner, model, path);
      if (account === undefined) return undefined;
      return { account, model, timeouts: {}, retries: {}, headers: {}, extraBody: {}, traits: {} };
    }
    const { model, capacity, timeouts, retries, headers, extraBody, traits } = target;
    if (model === undefined) {
      this.#findings.problem(path, "'model' is missing.");
      return undefined;
    }
    const account = this.#accountOf(target, path);
    if (account === undefined) return undefined;
    const known = capacity !== undefined && { capacity };
    return { account, model, timeouts, retries, headers, extraBody, traits, ...known };
  }

  #shorthandAccount(written: string, owner: string, model: string, path: ConfigPath): string | undefined {
    if (owner === '' || model === '') {
      this.#findings.problem(path, `'${written}' is not a target. Write account/model, such as openai/gpt-5.`);
      return undefined;
    }
    if (this.#book.isKnown(owner)) return this.#usable(owner, path);
    if (this.#book.isProvider(owner)) return this.#book.ofProvider(owner, path);
    const hint = suggestion(owner, this.#book.names);
    this.#findings.problem(path, `'${owner}' is neither an account nor a provider.${hint}`);
    return undefined;
  }

  #usable(account: string, path: ConfigPath): string | undefined {
    if (this.#book.isUsable(account)) return account;
    this.#findings.warning(path, `the account '${account}' has no key, so this target is skipped.`);
    return undefined;
  }

  #accountOf(target: FileTargetMapping, path: ConfigPath): string | undefined {
    if (target.account !== undefined) {
      if (target.provider !== undefined || hasCredential(target)) {
        const message = `the account '${target.account}' already says where and with which key; remove 'provider', 'key', 'url' and the like here.`;
        this.#findings.problem(path, message);
        return undefined;
      }
      if (this.#book.isKnown(target.account)) return this.#usable(target.account, path);
      const hint = suggestion(target.account, this.#book.names);
      this.#findings.problem([...path, 'account'], `there is no account '${target.account}'.${hint}`);
      return undefined;
    }
    if (target.provider === undefined) {
      this.#findings.problem(path, "give the target a 'provider' or an 'account'.");
      return undefined;
    }
    return hasCredential(target) ? this.#inline.get(target) : this.#book.ofProvider(target.provider, path);
  }

  /** With something left to serve requests, a missing key is a warning; with nothing left it is the problem. */
  #reportSkipped(): void {
    const isServing = Object.keys(this.#book.accounts).length > 0;
    for (const { path, unset, what } of this.#skipped) {
      if (isServing) this.#findings.warning(path, `${unset.reason}, so ${what} is skipped.`);
      else this.#findings.problem(path, `${unset.reason}, and nothing else can serve a request.`);
    }
  }

  #dropEmptyChains(chains: ReadonlyMap<string, ChainConfig>): Record<string, ChainConfig> {
    const left: Record<string, ChainConfig> = {};
    for (const [name, chain] of chains) {
      if (chain.targets.length > 0) left[name] = chain;
      else this.#findings.warning(['chains', name], `the chain '${name}' has no usable target and is left out.`);
    }
    return left;
  }

  /** A copy that has nowhere to go is left out; a name that nobody knows is a mistake. */
  #checkShadows(chains: Readonly<Record<string, ChainConfig>>): Record<string, ChainConfig> {
    const checked = Object.entries(chains).map(([name, chain]) => {
      const { shadow, ...alone } = chain;
      if (!shadow) return [name, chain] as const;
      const path = ['chains', name, 'shadow', 'to'];
      const reach = this.#reach(shadow.to, chains);
      if (shadow.to === name) this.#findings.problem(path, 'a chain that is its own shadow tells nothing.');
      else if (reach === 'usable') return [name, chain] as const;
      else if (reach === 'left-out')
        this.#findings.warning(path, `'${shadow.to}' is left out, and the shadow with it.`);
      else {
        const hint = this.#hintFor(shadow.to);
        this.#findings.problem(path, `'${shadow.to}' is neither a chain nor account/model.${hint}`);
      }
      return [name, alone] as const;
    });
    return Object.fromEntries(checked);
  }

  #resolveAliases(chains: Readonly<Record<string, ChainConfig>>): Record<string, string> {
    const aliases: Record<string, string> = {};
    for (const [alias, served] of Object.entries(this.#file.aliases)) {
      const path = ['aliases', alias];
      const reach = this.#reach(served, chains);
      if (Object.hasOwn(this.#file.chains, alias)) {
        this.#findings.problem(path, `the alias '${alias}' would hide the chain of the same name.`);
      } else if (reach === 'usable') {
        aliases[alias] = served;
      } else if (reach === 'left-out') {
        this.#findings.warning(path, `'${served}' is left out, and the alias '${alias}' with it.`);
      } else {
        this.#findings.problem(path, `'${served}' is neither a chain nor account/model.${this.#hintFor(served)}`);
      }
    }
    return aliases;
  }

  #resolveRules(chains: Readonly<Record<string, ChainConfig>>): readonly RuleConfig[] {
    return resolveRules(
      this.#file.rules,
      (served) => this.#reach(served, chains),
      (served) => this.#hintFor(served),
      this.#findings,
    );
  }

  /** Whether a chain's name or `account/model` can serve. */
  #reach(served: string, chains: Readonly<Record<string, ChainConfig>>): Reach {
    const [owner, model] = splitName(served);
    const isAccount = model !== '' && this.#book.isKnown(owner);
    if (Object.hasOwn(chains, served) || (isAccount && this.#book.isUsable(owner))) return 'usable';
    return Object.hasOwn(this.#file.chains, served) || isAccount ? 'left-out' : 'unknown';
  }

  #hintFor(served: string): string {
    return suggestion(served, [...Object.keys(this.#file.chains), ...Object.keys(this.#book.accounts)]);
  }

  #resolveDefaultChain(chains: Readonly<Record<string, ChainConfig>>): string | undefined {
    const name = this.#file.defaultChain ?? DEFAULT_CHAIN_NAME;
    if (Object.hasOwn(chains, name)) return name;
    if (this.#file.defaultChain === undefined) return undefined;
    if (Object.hasOwn(this.#file.chains, name)) {
      this.#findings.warning(['defaultChain'], `the chain '${name}' is left out, so unknown model names are refused.`);
    } else {
      const hint = suggestion(name, Object.keys(this.#file.chains));
      this.#findings.problem(['defaultChain'], `there is no chain '${name}'.${hint}`);
    }
    return undefined;
  }
}

const PLAIN_CHAIN = {
  strategy: undefined,
  affinity: undefined,
  hedge: undefined,
  shadow: undefined,
  peers: undefined,
  timeouts: {},
  retries: {},
  cache: undefined,
  compaction: undefined,
  knowledge: undefined,
};

/** Nothing else but `weight` is given. */
function isReferenceOnly({ chain: _chain, weight: _weight, ...rest }: FileTargetMapping): boolean {
  return Object.values(rest).every((value) => typeof value === 'object' && Object.keys(value).length === 0);
}

/** The lists of a chain in a fixed order: targets, onContextLength, onContentFilter. */
function targetLists(
  chain: FileChain,
  path: ConfigPath,
): readonly { targets: readonly FileTarget[]; path: ConfigPath }[] {
  if (Array.isArray(chain)) return [{ targets: chain, path }];
  const names = ['targets', 'onContextLength', 'onContentFilter'] as const;
  return names.map((name) => ({ targets: chain[name], path: [...path, name] }));
}

/** At the first slash: model names have slashes of their own (`openrouter/meta-llama/llama-3`). */
function splitName(name: string): [owner: string, model: string] {
  const slash = name.indexOf('/');
  return slash < 0 ? [name, ''] : [name.slice(0, slash), name.slice(slash + 1)];
}
