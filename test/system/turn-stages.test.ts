import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TurnStages } from '../../src/system/turn-stages.ts';

/** Two requests run. */
function crowded() {
  const stages = new TurnStages();
  for (let request = 0; request < 2; request += 1) stages.add('begin', () => undefined);
  return stages;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('the stages of a turn', () => {
  test('each runs for all requests before the next one begins', async () => {
    const stages = crowded();
    await turn();
    const done: string[] = [];
    for (const request of ['a', 'b']) {
      stages.add('reply', () => void done.push(`reply ${request}`));
      stages.add('send', () => void done.push(`send ${request}`));
    }
    assert.deepEqual(done, []);
    await turn();
    assert.deepEqual(done, ['send a', 'send b', 'reply a', 'reply b']);
  });

  test('what leads to a later stage is done in the same turn, what leads to an earlier one in the next', async () => {
    const stages = crowded();
    await turn();
    const done: string[] = [];
    stages.add('journal', () => {
      done.push('journal');
      stages.add('reply', () => void done.push('reply'));
      stages.add('settle', () => void done.push('settle'));
    });
    await turn();
    assert.deepEqual(done, ['journal', 'reply']);
    await turn();
    assert.deepEqual(done, ['journal', 'reply', 'settle']);
  });

  test('a request that runs alone waits for no turn, and never runs before its caller is done', async () => {
    const stages = new TurnStages();
    const done: string[] = [];
    stages.add('begin', () => void done.push('begin'));
    stages.add('reply', () => void done.push('reply'));
    assert.deepEqual(done, []);
    await Promise.resolve();
    assert.deepEqual(done, ['begin', 'reply']);
  });

  test('the last one of a crowd is alone again', async () => {
    const stages = crowded();
    await turn();
    stages.add('settle', () => undefined);
    await turn();
    const done: string[] = [];
    stages.add('read', () => void done.push('read'));
    await Promise.resolve();
    assert.deepEqual(done, ['read']);
  });

  test('what belongs to no request waits for the events that are at hand', async () => {
    const stages = new TurnStages();
    const done: string[] = [];
    stages.add('rest', () => void done.push('rest'));
    await Promise.resolve();
    assert.deepEqual(done, []);
    await turn();
    assert.deepEqual(done, ['rest']);
  });

  test('a defect is told of, and the others go on', async () => {
    const told: unknown[] = [];
    const stages = new TurnStages((defect) => told.push(defect));
    const defect = new Error('defect');
    const done: string[] = [];
    stages.add('rest', () => {
      throw defect;
    });
    stages.add('rest', () => void done.push('rest'));
    await turn();
    assert.deepEqual(done, ['rest']);
    assert.deepEqual(told, [defect]);
  });
});
