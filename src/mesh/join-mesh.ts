// Becoming a member with an invite, as the one who was invited.

import { asObject, asString, parseObject } from '../model/json.ts';
import type { Clock, PeerId, Random, Transport } from '../ports.ts';
import { type Credential, credentialProblem, parseCredential } from './certificate.ts';
import { type Invite, isSameProof, type JoinContext, joinProof } from './invite.ts';
import { JOIN_PATHS } from './join-desk.ts';
import { type MeshRoots, meshIdOf } from './mesh-keys.ts';
import { isPeerId } from './peer-id.ts';
import { JOIN_BODY_BYTES_MAX, jsonRequest, readAnswer, withTimeout } from './wire.ts';

const JOIN_TIMEOUT_MS = 10_000;
const NONCE_BYTES = 16;

export interface Joined {
  readonly roots: MeshRoots;
  readonly credential: Credential;
  readonly inviter: Credential;
}

interface JoinDeps {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly name: string;
}

/** @throws Error with a reason for people */
export function joinMesh(invite: Invite, { transport, clock, random, name }: JoinDeps): Promise<Joined> {
  return withTimeout(clock, JOIN_TIMEOUT_MS, async (signal) => {
    const { inviter, secret } = invite;
    await transport.dial(invite.addresses, inviter, signal);
    const ask = async (path: string, body: Record<string, string>) =>
      readAnswer(await transport.requestJoin(inviter, jsonRequest(path, body, signal)), JOIN_BODY_BYTES_MAX);
    const joinerNonce = Buffer.from(random.bytes(NONCE_BYTES)).toString('base64url');
    const challenge = await ask(JOIN_PATHS.challenge, { inviteId: invite.id, nonce: joinerNonce });
    const inviterNonce = asString(challenge.nonce);
    if (inviterNonce === undefined) throw new Error('the inviter did not answer as expected');
    const { id: inviteId, meshId } = invite;
    const context: JoinContext = { inviteId, meshId, joiner: transport.peer, inviter, joinerNonce, inviterNonce };
    const answer = await ask(JOIN_PATHS.prove, { proof: joinProof(secret, 'joiner', context), name });
    const content = asString(answer.content) ?? '';
    // Only the node that made the invite knows its secret.
    if (!isSameProof(asString(answer.proof) ?? '', joinProof(secret, 'inviter', context, content))) {
      throw new Error('the inviter could not prove that it made this invite');
    }
    return readWelcome(content, invite, transport.peer);
  });
}

function readWelcome(content: string, { meshId, inviter: inviterPeer }: Invite, self: PeerId): Joined {
  const { issued, credential: shown, roots: written } = parseObject(content) ?? {};
  const roots = readRoots(written, meshId);
  const credential = parseCredential(issued);
  const inviter = parseCredential(shown);
  if (!roots || credential?.certificate.peer !== self || inviter?.certificate.peer !== inviterPeer) {
    throw new Error('the inviter did not answer as expected');
  }
  const problem = credentialProblem(credential, roots) ?? credentialProblem(inviter, roots);
  if (problem !== undefined) throw new Error(`the inviter answered with a certificate that does not hold: ${problem}`);
  return { roots, credential, inviter };
}

/** The mesh id names one of the roots, so neither can be replaced. */
function readRoots(value: unknown, meshId: string): MeshRoots | undefined {
  const { admin, fleet } = asObject(value) ?? {};
  const [adminKey, fleetKey] = [admin, fleet].map((key) =>
    typeof key === 'string' && isPeerId(key) ? key : undefined,
  );
  const isNamed = [adminKey, fleetKey].some((key) => key !== undefined && meshIdOf(key) === meshId);
  if (!isNamed) return undefined;
  return {
    meshId,
    ...(adminKey !== undefined && { admin: adminKey }),
    ...(fleetKey !== undefined && { fleet: fleetKey }),
  };
}
