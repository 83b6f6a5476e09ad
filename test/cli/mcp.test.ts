// `flowmesh mcp`: an agent starts it and speaks with it over standard input and output.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

const MAIN = join(import.meta.dirname, '../../src/main.ts');

test('an agent adds and finds a document, and another process finds it later', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'flowmesh-mcp-'));
  const config = join(directory, 'flowmesh.yaml');
  // A port where no node answers: the files are worked on directly.
  await writeFile(
    config,
    `dataDirectory: ${join(directory, 'data')}\nserver: {port: 9}\naccounts: {a: {provider: openai-compatible, url: "http://127.0.0.1:9/v1"}}\n`,
  );
  const agent = async <Result>(work: (client: Client) => Promise<Result>): Promise<Result> => {
    const client = new Client({ name: 'test', version: '1' });
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [MAIN, 'mcp', '--config', config],
      stderr: 'inherit',
    });
    await client.connect(transport);
    try {
      return await work(client);
    } finally {
      await client.close();
    }
  };
  try {
    await agent(async (client) => {
      const { tools } = await client.listTools();
      assert.equal(tools.length, 4);
      const added = await client.callTool({
        name: 'add_document',
        arguments: { title: 'Pump', text: 'The warranty lasts three years.' },
      });
      assert.deepEqual(added.structuredContent, { outcome: 'added', collection: 'notes', source: 'Pump', passages: 1 });
    });
    await agent(async (client) => {
      const found = await client.callTool({ name: 'search_knowledge', arguments: { query: 'warranty' } });
      const { passages } = found.structuredContent as { passages: { text: string }[] };
      assert.equal(passages.length, 1);
      assert.match(passages[0]?.text ?? '', /three years/);
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
