// Rules that are broken on purpose, to prove that the simulator would notice. Each is a change of the source text as it
// is loaded, so that nothing in the product knows of them.

export interface Mutant {
  readonly name: string;
  /** What would be wrong with the product. */
  readonly about: string;
  /** From the top of the repository. */
  readonly file: string;
  /** Must occur exactly once. */
  readonly find: string;
  readonly replace: string;
  /** The given world that shows it; absent: drawn ones. */
  readonly topology?: string;
}

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'forwards-forwarded',
    about: 'What another node has sent is sent on.',
    file: 'src/gateway/peer-targets.ts',
    find: 'context.isForwarded || isPaidByClient',
    replace: 'isPaidByClient',
  },
  {
    name: 'admits-evicted',
    about: 'A member that was shut out still belongs.',
    file: 'src/mesh/registrar.ts',
    find: 'const admission = papers.membership.remove(removal);',
    replace: 'const admission = { ok: true, isNews: false } as const;',
  },
  {
    name: 'suspicion-is-death',
    about: 'A suspect is declared dead without being asked.',
    file: 'src/mesh/peer-view.ts',
    find: "this.#change(record, 'suspect', reason, now);",
    replace: "this.#change(record, 'dead', reason, now);",
  },
  {
    name: 'forgets-to-leave',
    about: 'A forwarded request that has ended keeps its place.',
    file: 'src/mesh/forward/executor.ts',
    find: '      admission.leave();\n',
    replace: '      if (!error) admission.leave();\n',
  },
  {
    name: 'settles-twice',
    about: 'A forwarded answer whose reader has gone ends twice (found by seed 8).',
    file: 'src/mesh/forward/answer-body.ts',
    find: '      if (this.#isEnded) return { done: true, value: undefined };\n      return this.#fail(',
    replace: '      return this.#fail(',
  },
  {
    name: 'no-repetition-table',
    about: 'A request that arrives twice is executed twice.',
    file: 'src/mesh/forward/executor.ts',
    find: "if (known !== 'new') return repeated(known);",
    replace: "if (known !== 'new') void repeated;",
  },
  {
    name: 'bills-forwarded',
    about: 'The entry node enters the usage of what another node has bought as its own.',
    file: 'src/tenancy/accountant.ts',
    find: "ending.isForwarded ? { ...settlement, status: 'forwarded', usage: undefined, cost: 0 } : settlement",
    replace: 'settlement',
  },
  {
    name: 'never-bills',
    about: 'What is bought for others stands in no ledger.',
    file: 'src/mesh/forward/executor.ts',
    find: '      settle(trace);\n',
    replace: '      void settle;\n',
  },
  {
    name: 'no-fallback',
    about: 'A node whose own targets fail asks nobody else.',
    file: 'src/gateway/peer-targets.ts',
    find: 'overflow: () => [...remote(), ...builtin] };',
    replace: 'overflow: () => builtin };',
  },
  {
    name: 'asks-suspects',
    about: 'Peers that are dead or silent are asked all the same, and only they.',
    file: 'src/mesh/forward/taking-peers.ts',
    find: "state === 'alive' && isConnected",
    replace: "state !== 'alive' && !isConnected",
  },
  {
    name: 'revoked-key-lives',
    about: 'A revoked key is as good as any.',
    file: 'src/tenancy/key-ring.ts',
    find: 'key.revokedAt !== undefined || tenant.isDisabled',
    replace: 'tenant.isDisabled',
  },
  {
    name: 'tenant-of-nobody',
    about: 'Keys lose their tenant on the way to the ledger.',
    file: 'src/tenancy/key-ring.ts',
    find: '        tenant: tenant.id,\n',
    replace: "        tenant: 'default',\n",
  },
  {
    name: 'no-deadline',
    about: 'A request may take for ever.',
    file: 'src/gateway/abort-scope.ts',
    find: 'if (this.#isResting || this.#isAborted) return;',
    replace: 'return;',
  },
  {
    name: 'cut-looks-complete',
    about: 'A stream that breaks looks like one that ended.',
    file: 'src/gateway/chat-attempt.ts',
    find: 'throw fromUpstreamError(failureOf(reason, this.#scope.signal).failure);',
    replace: 'return undefined;',
  },
  {
    name: 'ignores-leaving',
    about: 'The executor goes on when the entry node has left.',
    file: 'src/mesh/forward/answer-body.ts',
    find: '      this.#answer.cancel();\n      this.#end.onLeft(new GatewayError',
    replace: '      void (() => this.#end.onLeft)(); void ((..._: unknown[]) => _)(new GatewayError',
  },
  {
    name: 'never-redials',
    about: 'A connection that was lost stays lost.',
    file: 'src/mesh/dial-plan.ts',
    find: 'lost(peer: PeerId, now: number): void {',
    replace: 'lost(peer: PeerId, now: number): void {\n    if (now > 0) { this.forget(peer); return; }',
  },
  {
    name: 'no-gossip-of-evictions',
    about: 'Evictions are told to those that are there, and to nobody that comes later.',
    file: 'src/mesh/upkeep.ts',
    find: 'const isBehind = heartbeat.membershipDigest !== digest &&',
    replace: 'const isBehind = heartbeat.membershipDigest === undefined &&',
  },
  {
    name: 'revocations-stay-home',
    about: 'What another node has revoked is still good here.',
    file: 'src/tenancy/tenancy-kinds.ts',
    find: 'if (body) tableOf(database).putRevocation(',
    replace: 'if (!body) tableOf(database).putRevocation(',
  },
  {
    name: 'evictions-unlock-keys',
    about: 'What an evicted member had revoked works again.',
    file: 'src/tenancy/tenancy-kinds.ts',
    find: '      isKeptOfEvicted: true,\n',
    replace: '',
  },
  {
    name: 'usage-is-added-up',
    about: 'Usage is counted twice.',
    file: 'src/tenancy/ledger.ts',
    find: '        this.#shards?.add(entries);\n',
    replace: '        for (const _ of [1, 2]) this.#shards?.add(entries);\n',
  },
  {
    name: 'usage-stands-still',
    about: 'Of what another node has used only the first word is heard.',
    file: 'src/tenancy/usage-shard-table.ts',
    find: ' = max(',
    replace: ' = coalesce(',
  },
  {
    name: 'usage-of-evicted-stays',
    about: 'Usage of an evicted member stays where it had been heard.',
    file: 'src/tenancy/usage-shards.ts',
    find: 'else dropShard(database, key);',
    replace: 'else void dropShard;',
  },
  {
    name: 'clocks-decide',
    about: 'An edit made after seeing another one loses to it when its clock is behind.',
    file: 'src/replication/change-log.ts',
    find: 'later(newest(held)?.hlc ?? this.collectedHlc, floor)',
    replace: 'later(floor, floor)',
  },
  {
    name: 'deletions-stay-home',
    about: 'A document that is deleted is deleted on one node only.',
    file: 'src/knowledge/replication/document-sync.ts',
    find: 'if (held && held.body !== null) log.remove(DOCUMENT_KIND, document);',
    replace: 'void held;',
  },
  {
    name: 'news-are-told-once',
    about: 'News that were lost on their way are not asked for while all seemed equal.',
    file: 'src/replication/replicator.ts',
    find: '    this.#differedAt = now;\n',
    replace: '    if (now > 0) return;\n',
  },
  {
    name: 'full-disk-forgets',
    about: 'What the ledger cannot enter because the disk is full is dropped.',
    file: 'src/tenancy/ledger.ts',
    find: '      this.#flushIn(RETRY_MS);\n',
    replace: '      this.#settled = [];\n',
  },
  {
    name: 'minutes-are-each-nodes-own',
    about: 'Each node of a mesh admits as much a minute as the limit says.',
    file: 'src/tenancy/rate-share.ts',
    find: '    const share = limit / members;\n',
    replace: '    const share = members > 0 ? limit : 0;\n',
  },
  {
    name: 'lends-what-it-keeps',
    about: 'What a node lends it uses as well.',
    file: 'src/tenancy/rate-share.ts',
    find: 'return this.#own(limit) - this.#lentAt(nowMs) + ',
    replace: 'return this.#own(limit) + ',
  },
  {
    name: 'older-overwrites',
    about: 'A version that another node has told overwrites what was written here while its texts were fetched.',
    file: 'src/knowledge/replication/document-takeover.ts',
    find: 'part.filter(({ wanted }) => this.#isCurrent(wanted));',
    replace: 'part;',
  },
];
