// A local network in memory: what one socket sends to its group, all others on the same switch get, in the order sent.

import type {
  DatagramHandlers,
  DatagramNetwork,
  DatagramSocket,
  DatagramSource,
  NetworkInterface,
} from '../../src/ports.ts';

interface Port {
  readonly lan: string;
  readonly host: string;
  readonly port: number;
  readonly handlers: DatagramHandlers;
}

export class FakeLan {
  readonly #ports = new Set<Port>();
  /** Every packet that was sent, oldest first. */
  readonly sent: { readonly from: string; readonly to: string | undefined; readonly message: Uint8Array }[] = [];

  /** A machine whose interfaces each lead to the switch that is named after the interface; tests change them. */
  machine(interfaces: NetworkInterface[]): DatagramNetwork {
    return {
      interfaces: () => interfaces,
      open: async (networkInterface, group, handlers) => {
        const host = networkInterface.addresses.find(({ family }) => family === group.family)?.host;
        if (host === undefined) throw new Error(`${networkInterface.name} has no such address`);
        return this.#plug({ lan: `${networkInterface.name} ${group.family}`, host, port: group.port, handlers });
      },
    };
  }

  /** Somebody who is no node: sends what a test wants and hears what is answered to it alone. */
  outsider(lan: string, host: string, onMessage: (message: Uint8Array) => void, port = 5353): DatagramSocket {
    return this.#plug({ lan: `${lan} 4`, host, port, handlers: { onMessage, onError: () => undefined } });
  }

  #plug(own: Port): DatagramSocket {
    this.#ports.add(own);
    return {
      send: (message, to) => this.#send(own, message, to),
      close: () => void this.#ports.delete(own),
    };
  }

  #send(from: Port, message: Uint8Array, to: DatagramSource | undefined): void {
    this.sent.push({ from: from.host, to: to?.host, message });
    for (const port of this.#ports) {
      const isMeant = to ? port.host === to.host && port.port === to.port : port.port === 5353;
      if (port !== from && port.lan === from.lan && isMeant) {
        queueMicrotask(() => port.handlers.onMessage(message, { host: from.host, port: from.port }));
      }
    }
  }
}

export function lanInterface(name: string, host: string, isLoopback = false): NetworkInterface {
  return { name, isLoopback, addresses: [{ family: 4, host, prefix: 24 }] };
}
