import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CommandPlace, commandPlace, hasTerminal, type RunningCommand } from '../support/command.ts';
import { type EchoUpstream, startEcho } from '../support/echo-upstream.ts';

const needsTerminal = { skip: hasTerminal ? false : 'needs the program `script` of Linux for a terminal' };

function conversation(place: CommandPlace, upstream: EchoUpstream): RunningCommand {
  const chain = `chains:\n  default:\n    - {model: echo-1, provider: local, url: "${upstream.url}"}\n`;
  place.write('flowmesh.yaml', `server: {port: 1}\n${chain}`);
  return place.launchInTerminal(['chat', '--system', 'Brief!']);
}

test('in a terminal a conversation goes on with all that was said, until /exit', needsTerminal, async () => {
  using place = commandPlace();
  await using upstream = await startEcho();
  const chat = conversation(place, upstream);
  await chat.untilStdout(/> $/);
  chat.type('One\r');
  await chat.untilStdout(/system: Brief! \| user: One\r\n\[local\/echo-1 .*\]\r\n> $/);
  chat.type('Two\r');
  await chat.untilStdout(/user: One \| assistant: system: Brief! \| user: One \| user: Two\r\n\[.*\]\r\n> $/);
  chat.type('/exit\r');
  assert.equal((await chat.ended).exitCode, 0);
});

test('Ctrl-C ends the answer and not the conversation, Ctrl-D ends that', needsTerminal, async () => {
  using place = commandPlace();
  await using upstream = await startEcho({ isHeld: true });
  const chat = conversation(place, upstream);
  await chat.untilStdout(/> $/);
  chat.type('Count to a million\r');
  await chat.untilStdout(/user: Count to a million$/);
  chat.type('\x03');
  await upstream.untilLeft();
  await chat.untilStdout(/user: Count to a million\r\n\(interrupted\)\r\n> $/);
  chat.type('\x04');
  assert.equal((await chat.ended).exitCode, 0);
});

test('a question that fails is told, and the next one is answered', needsTerminal, async () => {
  using place = commandPlace();
  await using upstream = await startEcho({ models: ['echo-1'] });
  const chat = conversation(place, upstream);
  await chat.untilStdout(/> $/);
  upstream.failNext(400, 'That was too much.');
  chat.type('One\r');
  await chat.untilStdout(/That was too much\.\r\n> $/);
  chat.type('Two\r');
  await chat.untilStdout(/system: Brief! \| user: Two\r\n\[/);
  chat.type('/exit\r');
  assert.equal((await chat.ended).exitCode, 0);
});
