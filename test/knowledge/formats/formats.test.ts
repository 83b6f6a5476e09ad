import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { extract } from '../../../src/knowledge/formats/formats.ts';
import { docxFile, docxParagraph, epubFile, pdfFile } from '../../support/documents.ts';
import { blocksOf } from './support.ts';

describe('Markdown', () => {
  test('headings open sections, wrapped lines are joined, code and tables keep theirs', async () => {
    const text = [
      '# The `flow` **guide**',
      '',
      'A paragraph that the',
      'editor has wrapped.',
      '',
      '## Setup {#setup}',
      '',
      '- first',
      '- second, which',
      '  goes on',
      '',
      '```sh',
      'npm ci',
      '',
      'npm start',
      '```',
      '',
      '| a | b |',
      '|---|---|',
      '| 1 | 2 |',
    ].join('\n');
    assert.deepEqual(await blocksOf('guide.md', text), [
      'h1 The flow guide',
      'prose: A paragraph that the editor has wrapped.',
      'h2 Setup',
      'lines: - first\n- second, which goes on',
      'lines: ```sh\nnpm ci\n\nnpm start\n```',
      'lines: | a | b |\n|---|---|\n| 1 | 2 |',
    ]);
  });

  test('the title is the one of the front matter, else the first heading', async () => {
    const bytes = new TextEncoder().encode('---\ntitle: "Written above"\ntags: [a]\n---\n# Heading\n\nText.\n');
    assert.equal((await extract({ name: 'a.md', bytes })).title, 'Written above');
    const written = '---\ntitle: Pump manual\ntags: [a]\n---\nText.\n';
    assert.deepEqual(await blocksOf('a.md', written), ['lines: tags: [a]', 'prose: Text.']);
    assert.deepEqual(await blocksOf('a.md', '---\ntitle: Pump manual\n---\nText.\n'), ['prose: Text.']);
    assert.equal((await extract({ name: 'a.md', bytes: new TextEncoder().encode('# Heading\n\nx') })).title, 'Heading');
  });

  test('HTML inside is read as HTML', async () => {
    assert.deepEqual(await blocksOf('a.md', '<p>One <b>bold</b> word</p>\n\nText.\n'), [
      'prose: One bold word',
      'prose: Text.',
    ]);
  });
});

describe('HTML', () => {
  test('what is not for readers is left out', async () => {
    const text =
      '<html><head><title>Page &amp; more</title><style>p{}</style></head><body><nav><a href=/>Home</a></nav>' +
      '<h1>Top</h1><p>First<br>line.</p><script>alert("x")</script><div hidden>secret</div><p>Second.</p></body></html>';
    assert.deepEqual(await blocksOf('a.html', text), ['h1 Top', 'prose: First\nline.', 'prose: Second.']);
    assert.equal((await extract({ name: 'a.html', bytes: new TextEncoder().encode(text) })).title, 'Page & more');
  });

  test('a row of a table says what its values mean', async () => {
    const text =
      '<table><caption>Staff</caption><tr><th>Name</th><th>Age</th></tr><tr><td>Anna</td><td>41</td></tr>' +
      '<tr><td>Ben<p>Stone</p></td><td></td></tr></table>';
    assert.deepEqual(await blocksOf('a.htm', text), ['lines: Staff\nName: Anna; Age: 41\nName: Ben Stone']);
  });

  test('lists and code keep their lines', async () => {
    const text = '<ul><li>One<ul><li>Inner</li></ul></li><li>Two</li></ul><pre>a\n  b</pre>';
    assert.deepEqual(await blocksOf('a.html', text), ['lines: - One\n- Inner\n- Two', 'lines: a\n  b']);
  });

  test('it is read in the encoding that it declares', async () => {
    const latin2 = Buffer.from('<meta charset="iso-8859-2"><p>\u00b9</p>', 'latin1');
    assert.deepEqual(await blocksOf('a.html', latin2), ['prose: š']);
  });

  test('a page without a name is told by its beginning', async () => {
    assert.deepEqual(await blocksOf('page', '<!DOCTYPE html><p>Text</p>'), ['prose: Text']);
  });
});

describe('plain text', () => {
  test('headings are told by how people write them', async () => {
    const text =
      'Title\n=====\n\n1. Introduction\n\nSome words that go on long enough to be wrapped by\nthe editor here.\n\n2.1 Details\n\nSHOUTED\n\nAn end.';
    assert.deepEqual(await blocksOf('a.txt', text), [
      'h1 Title',
      'h1 1. Introduction',
      'prose: Some words that go on long enough to be wrapped by the editor here.',
      'h2 2.1 Details',
      'h1 SHOUTED',
      'prose: An end.',
    ]);
  });

  test('short lines stay lines', async () => {
    assert.deepEqual(await blocksOf('poem.txt', 'Roses are red\nViolets are blue'), [
      'lines: Roses are red\nViolets are blue',
    ]);
  });

  test('source code has no headings', async () => {
    assert.deepEqual(await blocksOf('a.py', 'MAX\n\ndef f():\n    return 1\n'), [
      'lines: MAX',
      'lines: def f():\n    return 1',
    ]);
  });

  for (const [encoding, bytes] of [
    ['UTF-8 with a mark', Buffer.from('\ufeffgrün')],
    ['UTF-16', Buffer.from('\ufeffgrün', 'utf16le')],
    ['UTF-16, big end first', Buffer.from('\ufeffgrün', 'utf16le').swap16()],
    ['Latin-1', Buffer.from('grün', 'latin1')],
  ] as const) {
    test(`${encoding} is read`, async () => {
      assert.deepEqual(await blocksOf('a.txt', bytes), ['prose: grün']);
    });
  }

  test('control characters and soft hyphens do not reach the store, and letters are composed', async () => {
    const text = `a\u0001b\u00adc e\u0301 ${'x'.repeat(100)}`;
    assert.deepEqual(await blocksOf('a.txt', text), [`prose: abc \u00e9 ${'x'.repeat(100)}`]);
  });
});

describe('CSV', () => {
  test('a row is a line that names its values; quoted values may have line breaks', async () => {
    assert.deepEqual(await blocksOf('a.csv', 'name,note\nAnna,"says ""hi"",\nthen leaves"\nBen,\n'), [
      'lines: name: Anna; note: says "hi", then leaves\nname: Ben',
    ]);
  });

  test('semicolons and tabs part columns too', async () => {
    assert.deepEqual(await blocksOf('a.csv', 'name;age\nAnna;41\n'), ['lines: name: Anna; age: 41']);
    assert.deepEqual(await blocksOf('a.tsv', 'name\tage\nAnna\t41\n'), ['lines: name: Anna; age: 41']);
  });

  test('without names of columns values stand alone', async () => {
    assert.deepEqual(await blocksOf('a.csv', '1,2\n3,4\n'), ['lines: 1 | 2\n3 | 4']);
  });
});

describe('JSON', () => {
  test('each record of a list is a section, with the paths of its keys', async () => {
    const records = [
      { name: 'Anna', address: { city: 'Bern' }, tags: ['x', 'y'] },
      { id: 2, orders: [{ total: 5 }] },
    ];
    const expected = [
      'h1 Anna',
      'lines: name: Anna\naddress.city: Bern\ntags: x, y',
      '---',
      'lines: id: 2\norders[0].total: 5',
    ];
    assert.deepEqual(await blocksOf('a.json', JSON.stringify(records)), expected);
    assert.deepEqual(await blocksOf('a.jsonl', records.map((record) => JSON.stringify(record)).join('\n')), expected);
  });

  test('a broken line is told by its number', async () => {
    await assert.rejects(blocksOf('a.jsonl', '{"a":1}\n\n{"a":'), /is no valid JSON in line 3/);
  });
});

describe('PDF', () => {
  test('headings are larger, paragraphs are parted by gaps, pages are counted', async () => {
    const file = pdfFile(
      [
        [
          { text: 'The Manual', size: 20 },
          { text: 'This is the first para-', gap: 40 },
          { text: 'graph of the book.' },
          { text: 'Another paragraph.', gap: 30 },
        ],
        [
          { text: 'Care', size: 15 },
          { text: 'Keep it dry.', gap: 30 },
        ],
      ],
      'Manual of the pump',
    );
    const { title, mimeType } = await extract({ name: 'x', bytes: file });
    assert.deepEqual([title, mimeType], ['Manual of the pump', 'application/pdf']);
    assert.deepEqual(await blocksOf('a.pdf', file), [
      'p1 h1 The Manual',
      'p1 prose: This is the first paragraph of the book.',
      'p1 prose: Another paragraph.',
      'p2 h2 Care',
      'p2 prose: Keep it dry.',
    ]);
  });

  test('one without text is told to be a scan', async () => {
    await assert.rejects(blocksOf('scan.pdf', pdfFile([[]])), /has no text; it may be a scan/);
  });

  test('reading it leaves the bytes as they were', async () => {
    const file = Buffer.from(pdfFile([[{ text: 'Once' }]]));
    for (const _ of [1, 2]) assert.deepEqual(await blocksOf('a.pdf', file), ['p1 prose: Once']);
  });
});

describe('DOCX', () => {
  test('styles are headings, tables are read, pictures are left out', async () => {
    const table =
      '<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Part</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>Price</w:t></w:r></w:p></w:tc></w:tr>' +
      '<w:tr><w:tc><w:p><w:r><w:t>Pump</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>90</w:t></w:r></w:p></w:tc></w:tr></w:tbl>';
    const body = docxParagraph('Chapter', 'Heading1') + docxParagraph('Fish &amp; chips.') + table;
    const file = docxFile(body, 'A &lt;book&gt;');
    assert.equal((await extract({ name: 'upload', bytes: file })).title, 'A <book>');
    assert.deepEqual(await blocksOf('a.docx', file), [
      'h1 Chapter',
      'prose: Fish & chips.',
      'lines: Part: Pump; Price: 90',
    ]);
  });
});

describe('EPUB', () => {
  test('chapters come in the order of the spine', async () => {
    const file = epubFile('The Sea', ['<h1>One</h1><p>First.</p>', '<p>Second, without a heading.</p>']);
    assert.equal((await extract({ name: 'a.epub', bytes: file })).title, 'The Sea');
    assert.deepEqual(await blocksOf('a.epub', file), [
      'h1 One',
      'prose: First.',
      '---',
      'prose: Second, without a heading.',
    ]);
  });
});
