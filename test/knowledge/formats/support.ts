// What the tests of the formats share: a text as a file, and blocks in short.

import type { Block } from '../../../src/knowledge/formats/extracted.ts';
import { extract } from '../../../src/knowledge/formats/formats.ts';

export async function blocksOf(name: string, content: string | Uint8Array): Promise<string[]> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return (await extract({ name, bytes })).blocks.map(short);
}

export function short(block: Block): string {
  if (block.kind === 'break') return '---';
  const page = block.page === undefined ? '' : `p${block.page} `;
  return block.kind === 'heading' ? `${page}h${block.level} ${block.text}` : `${page}${block.kind}: ${block.text}`;
}
