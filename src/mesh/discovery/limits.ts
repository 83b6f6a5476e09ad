// Bounds and rhythms of discovery. Whoever is on the LAN can send us anything.

export const DISCOVERY = {
  port: 5353,
  groups: [
    { family: 4, host: '224.0.0.251' },
    { family: 6, host: 'ff02::fb' },
  ],
  /** How often interfaces are looked at; a cable that is plugged in is in use this soon. */
  interfacePollMs: 2_000,
  /** An interface that cannot send is tried again at the latest after this. */
  retryMaxMs: 60_000,

  /** After start and after a new interface; then every `queryPeriodMs`, more or less by half. */
  queryDelaysMs: [0, 300, 1_000, 3_000],
  queryPeriodMs: 15_000,
  /** An answer to everyone serves all who ask within this time. */
  answerSpacingMs: 250,
  /** Known peers listed in a query, so that those need not answer. */
  knownAnswersMax: 30,

  /** Of our own packets: one Ethernet frame. */
  sentBytesMax: 1_400,
  /** The largest that mDNS allows. */
  receivedBytesMax: 9_000,
  /** Packets of one interface that are looked at; mDNS on a large LAN stays far below. */
  packetsPerSecond: 200,
  recordsMax: 64,
  addressesPerPeerMax: 16,
  addressLengthMax: 200,
  /** Peers that are told of in one second; more is an attack, and the next round of answers brings the rest. */
  hintsPerSecond: 50,

  /** How long others may remember where a peer is. */
  peerTtlSeconds: 120,
  /** A client that uses the shared name goes to a node that lives after at most this long. */
  hostTtlSeconds: 10,
} as const;
