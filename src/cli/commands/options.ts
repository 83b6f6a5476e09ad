// Options that several commands have.

export const CONFIG_OPTION = [
  '-c, --config <file>',
  'configuration (default: flowmesh.yaml here, the user’s, the machine’s, or what is found)',
] as const;
export const URL_OPTION = ['-u, --url <url>', 'a running node (default: the one of the configuration)'] as const;
export const KEY_OPTION = [
  '--key-file <file>',
  'file with the key for that node (default: $FLOWMESH_API_KEY)',
] as const;
export const JSON_OPTION = ['--json', 'print JSON, for programs'] as const;

/** Of an option that may be given several times. */
export function collected(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
