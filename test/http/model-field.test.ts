import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { modelFieldOf } from '../../src/http/model-field.ts';

const TYPE = 'multipart/form-data; boundary=b';
const DAMAGED = 'The multipart form is damaged.';

function part(head: string, value = 'x'): string {
  return `--b\r\nContent-Disposition: form-data; ${head}\r\n\r\n${value}\r\n`;
}

function valueIn(form: string, contentType = TYPE): string {
  const body = Buffer.from(form);
  const { start, end } = modelFieldOf(body, contentType);
  return body.toString('utf8', start, end);
}

describe('the model of a form', () => {
  test('is found wherever it stands and however its name is quoted', () => {
    const file =
      '--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n…\r\n';
    assert.equal(valueIn(`${part('name="model"', 'main')}${file}--b--\r\n`), 'main');
    assert.equal(valueIn(`${file}${part('name=model', 'main')}--b--`), 'main');
    assert.equal(
      valueIn(
        `--a b\r\nContent-Disposition: form-data; name="model"\r\n\r\n\r\n--a b--\r\n`,
        'multipart/form-data; boundary="a b"',
      ),
      '',
    );
  });

  test('is not what a file holds', () => {
    const file = part('name="file"; filename="a.txt"', 'name="model"\r\n\r\nallowed\r\n--c');
    assert.equal(valueIn(`${file}${part('name="model"', 'main')}--b--\r\n`), 'main');
  });

  const model = part('name="model"', 'allowed');
  const refused: readonly (readonly [what: string, form: string, message: string])[] = [
    ['none', `${part('name="file"')}--b--\r\n`, "The form has no field 'model'."],
    ['two', `${model}${part('name="model"', 'other')}--b--\r\n`, "The form has the field 'model' twice."],
    [
      'two, one of them unquoted',
      `${model}${part('name=Model', 'other')}--b--\r\n`,
      "The form has the field 'model' twice.",
    ],
    ['a part with two names', `${model}${part('name="file"; name="model"', 'other')}--b--\r\n`, DAMAGED],
    ['a part without a name', `${model}${part('nome="model"', 'other')}--b--\r\n`, DAMAGED],
    ['something before the first part', `${part('name="model"', 'x').slice(2)}${model}--b--\r\n`, DAMAGED],
    ['something behind the last part', `${model}--b--\r\n${part('name="model"', 'other')}--b--\r\n`, DAMAGED],
    [
      'lines that end otherwise',
      `${model}--b\nContent-Disposition: form-data; name=model\n\nother\r\n--b--\r\n`,
      DAMAGED,
    ],
    ['no end', model, DAMAGED],
    ['nothing', '', DAMAGED],
  ];
  for (const [what, form, message] of refused) {
    test(`a form with ${what} is refused`, () => assert.throws(() => valueIn(form), { code: 'bad_request', message }));
  }

  test('a form without a boundary is refused', () => {
    assert.throws(() => valueIn(`${model}--b--\r\n`, 'multipart/form-data'), { code: 'bad_request' });
  });
});
