#!/usr/bin/env python3
"""A switch in user space, for networks that the kernel's own switch cannot imitate here: this kernel may have no netem.

Its ports are the far ends of the machines' cables, named on the command line. What comes in at one port goes out at the
one where its address was last seen, or at all others; on the way each pair of ports has a delay, a loss rate and so on,
or is cut in that direction. Commands are JSON lines on standard input:

  {"link": {"delayMs": 300, "jitterMs": 40, "lossRate": 0.01, "duplicationRate": 0, "bitsPerSecond": 64000},
   "cut": [[from port number, to port number], ...]}

It ends when standard input does.
"""

import heapq
import json
import random
import select
import socket
import struct
import sys
import time

SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP = 1
PACKET_MR_PROMISC = 1
# Frames come with the kernel's notes on checksums and segmentation still to be done, and go out with them.
PACKET_VNET_HDR = 15
NOTES = 10
PACKET_IGNORE_OUTGOING = 23
ETH_P_ALL = 3
FRAME_BYTES_MAX = 70_000
FRAMES_AT_ONCE = 64
# What waits longer for a narrow link is dropped, as routers do.
BACKLOG_SECONDS_MAX = 2.0


def open_port(name):
    port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    port.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    port.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    port.bind((name, 0))
    member = struct.pack("iHH8s", socket.if_nametoindex(name), PACKET_MR_PROMISC, 0, b"")
    port.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, member)
    port.setblocking(False)
    return port


class Relay:
    def __init__(self, names):
        self.ports = [open_port(name) for name in names]
        self.place = {}
        self.link = {}
        self.cut = set()
        self.waiting = []
        self.order = 0
        self.busy_until = {}

    def command(self, line):
        told = json.loads(line)
        self.link = told["link"]
        self.cut = {(a, b) for a, b in told["cut"]}

    def take(self, source, frame, now):
        target, sender = frame[NOTES:NOTES + 6], frame[NOTES + 6:NOTES + 12]
        self.place[sender] = source
        known = None if target[0] & 1 else self.place.get(target)
        for port in range(len(self.ports)) if known is None else (known,):
            if port != source and (source, port) not in self.cut:
                self.pass_on(source, port, frame, now)

    def pass_on(self, source, port, frame, now):
        link = self.link
        if random.random() < link.get("lossRate", 0):
            return
        due = now
        rate = link.get("bitsPerSecond")
        if rate:
            begin = max(now, self.busy_until.get((source, port), 0))
            if begin - now > BACKLOG_SECONDS_MAX:
                return
            due = self.busy_until[(source, port)] = begin + len(frame) * 8 / rate
        copies = 2 if random.random() < link.get("duplicationRate", 0) else 1
        for _ in range(copies):
            late = (link.get("delayMs", 0) + link.get("jitterMs", 0) * random.random()) / 1000
            self.order += 1
            heapq.heappush(self.waiting, (due + late, self.order, port, frame))

    def send_due(self, now):
        while self.waiting and self.waiting[0][0] <= now:
            _, _, port, frame = heapq.heappop(self.waiting)
            try:
                self.ports[port].send(frame)
            except OSError:
                # The interface is down or its queue is full: a packet is lost, as packets are.
                pass

    def receive(self, source):
        for _ in range(FRAMES_AT_ONCE):
            try:
                frame = self.ports[source].recv(FRAME_BYTES_MAX)
            except BlockingIOError:
                return
            except OSError:
                # The interface went down; it may come back.
                return
            self.take(source, frame, time.monotonic())

    def run(self):
        poll = select.epoll()
        numbers = {port.fileno(): number for number, port in enumerate(self.ports)}
        for descriptor in numbers:
            poll.register(descriptor, select.EPOLLIN)
        poll.register(sys.stdin.fileno(), select.EPOLLIN)
        commands = b""
        print("ready", flush=True)
        while True:
            now = time.monotonic()
            self.send_due(now)
            wait = min(1.0, self.waiting[0][0] - now) if self.waiting else 1.0
            for descriptor, _ in poll.poll(max(0.0, wait)):
                if descriptor in numbers:
                    self.receive(numbers[descriptor])
                    continue
                told = sys.stdin.buffer.read1(65536)
                if not told:
                    return
                *lines, commands = (commands + told).split(b"\n")
                for line in lines:
                    self.command(line)


Relay(sys.argv[1:]).run()
