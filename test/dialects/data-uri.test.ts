import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatDataUri, isMimeType, kindOfMimeType, parseDataUri, sourceFromUrl } from '../../src/dialects/data-uri.ts';

describe('parseDataUri', () => {
  const CASES: readonly (readonly [string, string, { mimeType: string; data: string } | undefined])[] = [
    ['base64', 'data:image/png;base64,iVBORw0KGgo=', { mimeType: 'image/png', data: 'iVBORw0KGgo=' }],
    ['parameters before base64', 'data:text/plain;charset=utf-8;base64,aGk=', { mimeType: 'text/plain', data: 'aGk=' }],
    ['upper case', 'DATA:Image/PNG;BASE64,aGk=', { mimeType: 'image/png', data: 'aGk=' }],
    ['a missing type', 'data:;base64,aGk=', { mimeType: 'text/plain', data: 'aGk=' }],
    ['percent-encoded text', 'data:text/plain,Gr%C3%BC%C3%9Fe', { mimeType: 'text/plain', data: 'R3LDvMOfZQ==' }],
    ['the unregistered image/jpg', 'data:image/jpg;base64,/9j/', { mimeType: 'image/jpeg', data: '/9j/' }],
    ['broken percent-encoding', 'data:text/plain,100%', undefined],
    ['a missing comma', 'data:image/png;base64', undefined],
    ['a web address', 'https://example.com/a,b.png', undefined],
  ];
  for (const [name, uri, expected] of CASES) {
    test(`reads ${name}`, () => assert.deepEqual(parseDataUri(uri), expected));
  }
});

test('formatDataUri is the inverse of parseDataUri', () => {
  assert.equal(formatDataUri('image/png', 'aGk='), 'data:image/png;base64,aGk=');
  assert.deepEqual(parseDataUri(formatDataUri('image/png', 'aGk=')), { mimeType: 'image/png', data: 'aGk=' });
});

test('sourceFromUrl tells data from addresses', () => {
  assert.deepEqual(sourceFromUrl('data:image/gif;base64,R0lGOD'), {
    source: { type: 'base64', data: 'R0lGOD' },
    mimeType: 'image/gif',
  });
  assert.deepEqual(sourceFromUrl('https://example.com/a.png'), {
    source: { type: 'url', url: 'https://example.com/a.png' },
  });
});

test('kindOfMimeType knows the families; everything else is a document', () => {
  assert.deepEqual(['image/png', 'audio/wav', 'video/mp4', 'application/pdf', 'text/plain'].map(kindOfMimeType), [
    'image',
    'audio',
    'video',
    'document',
    'document',
  ]);
});

test('isMimeType takes type/subtype only', () => {
  assert.deepEqual(
    [
      'image/png',
      'application/vnd.ms-excel',
      'image/svg+xml',
      'png',
      'image/',
      '/png',
      'image/p ng',
      'image/png;q=1',
    ].map(isMimeType),
    [true, true, true, false, false, false, false, false],
  );
});
