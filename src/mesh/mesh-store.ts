// What the mesh remembers in gateway.db: which mesh, its statements, where members were reached, open invites.

import { asArray, asString, parseObject } from '../model/json.ts';
import { MESH_CAPABILITIES, type MeshCapability } from '../model/mesh-capability.ts';
import type { PeerId } from '../ports.ts';
import type { Database, Statement } from '../storage/database.ts';
import { unlessFull } from '../storage/unless-full.ts';
import { type Credential, parseCredential, renderCredential } from './certificate.ts';
import type { Invite } from './invite.ts';
import type { MeshRoots } from './mesh-keys.ts';
import { parseRemoval, type Removal, renderRemoval } from './removal.ts';

export interface RememberedMember {
  readonly credential: Credential;
  readonly addresses: readonly string[];
  /** Wall milliseconds of the last contact. */
  readonly seenAt: number | undefined;
}

export interface StoredInvite {
  readonly id: string;
  readonly secret: string;
  /** For the member; absent: it names itself. */
  readonly name: string | undefined;
  readonly capabilities: readonly MeshCapability[];
  /** Wall milliseconds. */
  readonly expiresAt: number;
  readonly usedBy: PeerId | undefined;
}

/** `incarnation`: of the last start. `addresses`: of this node, for invites. `pending-invite`: to be used by the running node, or the next one. */
type StateName =
  | 'roots'
  | 'charter'
  | 'own-credential'
  | 'incarnation'
  | 'addresses'
  | 'pending-invite'
  | 'join-problem';

interface InviteRow {
  readonly id: string;
  readonly secret: string;
  readonly name: string | null;
  readonly capabilities: string;
  readonly expires_at: number;
  readonly used_by: string | null;
}

export class MeshStore {
  readonly #database: Database;
  readonly #putState: Statement<[string, string]>;
  readonly #getState: Statement<[string], { value: string }>;
  readonly #putMember: Statement<[string, string]>;
  readonly #putContact: Statement<[string, number, string]>;
  readonly #getAddresses: Statement<[string], { addresses: string }>;
  readonly #putRemoval: Statement<[string, string, string, string]>;

  constructor(database: Database) {
    this.#database = database;
    this.#putState = database.prepare('INSERT OR REPLACE INTO mesh_state (name, value) VALUES (?, ?)');
    this.#getState = database.prepare('SELECT value FROM mesh_state WHERE name = ?');
    this.#putMember = database.prepare(
      `INSERT INTO mesh_member (peer, credential) VALUES (?, ?)
       ON CONFLICT (peer) DO UPDATE SET credential = excluded.credential`,
    );
    this.#putContact = database.prepare('UPDATE mesh_member SET addresses = ?, seen_at = ? WHERE peer = ?');
    this.#getAddresses = database.prepare('SELECT addresses FROM mesh_member WHERE peer = ?');
    this.#putRemoval = database.prepare(
      'INSERT OR REPLACE INTO mesh_removal (peer, issuer, kind, removal) VALUES (?, ?, ?, ?)',
    );
  }

  state(name: StateName): string | undefined {
    return this.#getState.get(name)?.value;
  }

  setState(name: StateName, value: string): void {
    this.#putState.run(name, value);
  }

  clearState(name: StateName): void {
    this.#database.prepare('DELETE FROM mesh_state WHERE name = ?').run(name);
  }

  /** Undefined for a node of no mesh. */
  roots(): MeshRoots | undefined {
    const { meshId, admin, fleet } = parseObject(this.state('roots') ?? '') ?? {};
    if (typeof meshId !== 'string') return undefined;
    return {
      meshId,
      ...(typeof admin === 'string' && { admin }),
      ...(typeof fleet === 'string' && { fleet }),
    };
  }

  setRoots(roots: MeshRoots): void {
    this.setState('roots', JSON.stringify(roots));
  }

  ownCredential(): Credential | undefined {
    return parseCredential(parseObject(this.state('own-credential') ?? ''));
  }

  setOwnCredential(credential: Credential): void {
    this.setState('own-credential', JSON.stringify(renderCredential(credential)));
  }

  /** A new number at every start, higher than all before, as far as the disk had space for them. */
  nextIncarnation(atLeast = 0): number {
    const next = Math.max(Number(this.state('incarnation') ?? 0) + 1, atLeast);
    unlessFull(() => this.setState('incarnation', String(next)));
    return next;
  }

  members(): readonly RememberedMember[] {
    const rows = this.#database
      .prepare<[], { credential: string; addresses: string; seen_at: number | null }>(
        'SELECT credential, addresses, seen_at FROM mesh_member ORDER BY peer',
      )
      .all();
    return rows.flatMap((row) => {
      const credential = parseCredential(parseObject(row.credential));
      return credential ? [{ credential, addresses: textsOf(row.addresses), seenAt: row.seen_at ?? undefined }] : [];
    });
  }

  addressesOf(peer: PeerId): readonly string[] {
    const row = this.#getAddresses.get(peer);
    return row ? textsOf(row.addresses) : [];
  }

  putMember(credential: Credential): void {
    this.#putMember.run(credential.certificate.peer, JSON.stringify(renderCredential(credential)));
  }

  putContact(peer: PeerId, addresses: readonly string[], seenAt: number): void {
    unlessFull(() => this.#putContact.run(JSON.stringify(addresses), Math.floor(seenAt), peer));
  }

  removals(): readonly Removal[] {
    const rows = this.#database
      .prepare<[], { removal: string }>('SELECT removal FROM mesh_removal ORDER BY peer, issuer, kind')
      .all();
    return rows.flatMap((row) => parseRemoval(parseObject(row.removal)) ?? []);
  }

  putRemoval(removal: Removal): void {
    const { peer, issuer, kind } = removal;
    this.#putRemoval.run(peer, issuer, kind, JSON.stringify(renderRemoval(removal)));
  }

  addInvite(
    { id, secret }: Invite,
    grant: Pick<StoredInvite, 'name' | 'capabilities' | 'expiresAt'>,
    now: number,
  ): void {
    this.#database.transaction(() => {
      this.#database.prepare('DELETE FROM mesh_invite WHERE expires_at < ?').run(Math.floor(now));
      this.#database
        .prepare('INSERT INTO mesh_invite (id, secret, name, capabilities, expires_at) VALUES (?, ?, ?, ?, ?)')
        .run(id, secret, grant.name ?? null, JSON.stringify(grant.capabilities), Math.floor(grant.expiresAt));
    })();
  }

  invite(id: string): StoredInvite | undefined {
    const row = this.#database.prepare<[string], InviteRow>('SELECT * FROM mesh_invite WHERE id = ?').get(id);
    if (!row) return undefined;
    const names = textsOf(row.capabilities);
    return {
      id: row.id,
      secret: row.secret,
      name: row.name ?? undefined,
      capabilities: MESH_CAPABILITIES.filter((capability) => names.includes(capability)),
      expiresAt: row.expires_at,
      usedBy: row.used_by ?? undefined,
    };
  }

  /** Whether it was this call that used it: of two joins at once one wins. */
  useInvite(id: string, peer: PeerId): boolean {
    const statement = this.#database.prepare('UPDATE mesh_invite SET used_by = ? WHERE id = ? AND used_by IS NULL');
    return statement.run(peer, id).changes === 1;
  }

  /** Forgets the mesh. The node's identity is not here and stays. */
  clear(): void {
    this.#database.transaction(() => {
      for (const name of ['roots', 'charter', 'own-credential', 'pending-invite'] as const) this.clearState(name);
      this.#database.exec('DELETE FROM mesh_member; DELETE FROM mesh_removal; DELETE FROM mesh_invite;');
    })();
  }
}

function textsOf(json: string): readonly string[] {
  return asArray(JSON.parse(json)).flatMap((entry) => asString(entry) ?? []);
}
