import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

const LOGGER = new URL('../../src/system/pino-logger.ts', import.meta.url).href;

async function outputOf(options: object, statements: string): Promise<string> {
  const script = `
    const { createLogger } = await import(${JSON.stringify(LOGGER)});
    const logger = await createLogger(${JSON.stringify(options)});
    ${statements}
    logger.flush();`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
  return stdout;
}

test('lines are JSON with a level in words, and lines below the level are left out', async () => {
  const output = await outputOf(
    { level: 'info', isPretty: false },
    `logger.debug({}, 'no'); logger.info({ a: 1 }, 'yes'); logger.error({ err: new Error('bad') }, 'worse');`,
  );
  const lines = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ level, msg, a }) => [level, msg, a]),
    [
      ['info', 'yes', 1],
      ['error', 'worse', undefined],
    ],
  );
  assert.equal(lines[1].err.message, 'bad');
});

test('fields named like secrets are censored, at the top and one level down', async () => {
  const output = await outputOf(
    { level: 'info', isPretty: false },
    `logger.info({ apiKey: 'sk-1', request: { headers: { authorization: 'sk-2' }, key: 'sk-3' }, body: 'sk-4' }, 'x');`,
  );
  assert.doesNotMatch(output, /sk-/);
  assert.equal(output.split('[redacted]').length, 5);
});

test('a silent logger writes nothing', async () => {
  assert.equal(await outputOf({ level: 'silent', isPretty: false }, `logger.error({}, 'x');`), '');
});

test('pretty lines are for people', async () => {
  assert.match(await outputOf({ level: 'info', isPretty: true }, `logger.info({ a: 1 }, 'hello');`), /INFO.*hello/);
});
