// Commands about other nodes.

import type { Command } from 'commander';
import { CONFIG_OPTION, collected, JSON_OPTION } from './options.ts';

/** mesh */
export function addMeshCommands(program: Command): void {
  const mesh = program.command('mesh').description('other nodes: found a mesh, join one, see who is in it');
  mesh
    .command('init')
    .description('found a mesh: makes its admin key, and makes this node an admin')
    .option(...CONFIG_OPTION)
    .action(async (options) => (await import('../mesh.ts')).initMesh(options));
  mesh
    .command('invite')
    .description('print an invite for one node, good for 15 minutes')
    .option(
      '--capabilities <names>',
      'what the node may do: serve, knowledge:write, cache:write, config:write, admin',
      'serve,knowledge:write,cache:write',
    )
    .option('-n, --name <text>', 'what the node is called (default: it names itself)')
    .option('-a, --address <address>', 'where this node is reached; may be given several times', collected)
    .option('--no-qr', 'without the QR code')
    .option(...CONFIG_OPTION)
    .action(async (options) => (await import('../mesh.ts')).inviteToMesh(options));
  mesh
    .command('join')
    .description('join a mesh with an invite')
    .argument('[token]', 'the invite; - or nothing reads it from standard input (or $FLOWMESH_MESH_INVITE)')
    .option('--token-file <file>', 'file with the invite')
    .option(...CONFIG_OPTION)
    .action(async (token, options) => (await import('../mesh.ts')).joinMesh(token, options));
  mesh
    .command('members')
    .description('list who belongs to the mesh, and who no longer does')
    .option(...CONFIG_OPTION)
    .option(...JSON_OPTION)
    .action(async (options) => (await import('../mesh-status.ts')).meshMembers(options));
  mesh
    .command('evict')
    .description('shut a member out, for good')
    .argument('<member>', 'its name or peer id')
    .option('--reason <text>', 'for the others to read')
    .option(...CONFIG_OPTION)
    .action(async (member, options) => (await import('../mesh.ts')).evictMember(member, options));
  mesh
    .command('leave')
    .description('leave the mesh and forget it')
    .option(...CONFIG_OPTION)
    .action(async (options) => (await import('../mesh.ts')).leaveMesh(options));
  mesh
    .command('status')
    .description('how every member is, as the running node sees it')
    .option(...CONFIG_OPTION)
    .option(...JSON_OPTION)
    .action(async (options) => (await import('../mesh-status.ts')).meshStatus(options));
}
