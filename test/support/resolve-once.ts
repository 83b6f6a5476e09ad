// Asks the local network for a name as simple resolvers do, from a port of its own: `node resolve-once.ts OWN_ADDRESS NAME`
// prints the first address that is answered.

import { createSocket } from 'node:dgram';
import { decode, encode } from 'dns-packet';

const [own = '', name = ''] = process.argv.slice(2);
const socket = createSocket('udp4');
socket.on('message', (message) => {
  const answer = decode(message).answers?.find(({ type }) => type === 'A');
  process.stdout.write(`${answer?.type === 'A' ? answer.data : ''}\n`);
  socket.close();
});
socket.bind(0, own, () => {
  socket.setMulticastInterface(own);
  socket.send(encode({ type: 'query', id: 1, questions: [{ name, type: 'A' }] }), 5353, '224.0.0.251');
});
