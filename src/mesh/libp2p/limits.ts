// Every bound of the transport, with the reason for its value.

/** Protocols of this mesh; libp2p's own (identify, ping) keep their names. */
export const PROTOCOL = {
  request: '/flowmesh/request/1',
  join: '/flowmesh/join/1',
  directory: '/flowmesh/kad/1',
} as const;

export const LIMITS = {
  /** Far above a full mesh of 32 and the neighbours of a large one; each connection costs some 200 KB. */
  connectionsMax: 512,
  /** A node behind the same address translation as 19 others must still get in; an attacker gets no further. */
  inboundConnectionsPerSecondAndHost: 20,
  /** All that one host can have pending (20 a second for 5 s) leaves room for the others. */
  pendingInboundMax: 128,
  /** A Raspberry Pi needs 50 ms for the handshake; on a machine that is 20 times overloaded it still gets through. */
  inboundUpgradeMs: 5_000,

  /** Strangers at once and in each direction; joining is rare and takes two round trips. */
  strangersMax: 8,
  /** Of one host, so that it alone cannot keep others from joining. */
  strangersPerHostMax: 4,
  strangerLifetimeMs: 10_000,
  /** Whatever a stranger sends, handshakes included, also before anything reads it. */
  strangerConnectionBytesMax: 32 * 1024,
  strangerBodyBytesMax: 16 * 1024,

  /** Dials under way at once. */
  dialsMax: 16,
  /** Addresses tried for one peer; a hint could name thousands. */
  dialAddressesMax: 16,
  /** The next address is tried when this one has not answered; a LAN answers in 1 ms. */
  dialStaggerMs: 150,
  /** For callers that set no deadline of their own. An address that is slow holds up no other. */
  dialAddressMs: 8_000,

  /** Requests and other streams with one peer at once: every client of the gateway may be forwarded there. */
  streamsPerPeerMax: 4_096,
  /** Opening a stream takes one round trip. */
  streamOpenMs: 5_000,
  /**
   * Bytes that one stream may have under way. yamux begins with this much; letting it grow would quadruple what a reader
   * that reads nothing costs us, and on a LAN it gives full speed already.
   */
  streamWindowBytes: 256 * 1024,
  /** What a socket over a stream buffers in each direction, as Node.js does for TCP. */
  socketBufferBytes: 64 * 1024,

  /** Heartbeats are ≤ 1 KB, changes that travel by broadcast ≤ 16 KB; anything large goes as a request. */
  broadcastBytesMax: 32 * 1024,
  /** Within it a LAN has told everyone who has a broadcast; what it costs is felt only where broadcasts take several hops. */
  gossipPassOnMs: 50,
  broadcastWorthRefusingBytes: 1_024,
  /** How often gossip looks after its neighbours; new ones are taken at once. */
  gossipUpkeepMs: 5_000,
  /** A received gossip frame may carry several broadcasts. */
  gossipFrameBytesMax: 256 * 1024,
  /** What waits for a peer that does not read; beyond it broadcasts to it are dropped. */
  gossipBacklogBytesMax: 1024 * 1024,

  /** Finds nothing later: a node asks again. */
  directoryQueryMs: 10_000,
  directoryResultsMax: 20,
} as const;
