"""A network of a test's own: namespaces, a veth pair, or a long wire with delay and loss."""

import collections
import ctypes
import fcntl
import os
import random
import selectors
import struct
import subprocess
import threading
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN_WITHOUT_INFORMATION = 0x1001
OURS, THEIRS = "198.18.0.1", "198.18.0.2"  # RFC 2544: for tests only


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, stdout=subprocess.DEVNULL)


def enter():
    """From here on this thread, its new threads and what they start have a network of their own, with
    loopback. Raises OSError where that is not allowed."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    ip("link", "set", "lo", "up")


class Space:
    """Another network namespace, to which OURS is the way to everywhere and which has THEIRS."""

    def __init__(self):
        self.name = "causeway-%d" % os.getpid()
        ip("netns", "add", self.name)
        ip("-n", self.name, "link", "set", "lo", "up")

    def prefix(self):
        """What starts a command in it."""
        return ["ip", "netns", "exec", self.name]

    def join(self, here, there):
        """Gives addresses to the two ends of a link, of which `there` is in the space."""
        ip("link", "set", there, "netns", self.name)
        ip("addr", "add", OURS, "peer", THEIRS, "dev", here)
        ip("link", "set", here, "up")
        ip("-n", self.name, "addr", "add", THEIRS, "peer", OURS, "dev", there)
        ip("-n", self.name, "link", "set", there, "up")
        ip("-n", self.name, "route", "add", "default", "via", OURS)

    def add_veth(self):
        ip("link", "add", "toward-space", "type", "veth", "peer", "name", "from-space")
        self.join("toward-space", "from-space")

    def remove(self):
        ip("netns", "delete", self.name)


def open_tun(name):
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN_WITHOUT_INFORMATION))
    return descriptor


class Wire:
    """A link into a space that takes its time and loses packets, both ways, in order."""

    def __init__(self, space):
        self.ends = [open_tun("wire0"), open_tun("wire1")]
        space.join("wire0", "wire1")
        self.delay, self.loss = 0.0, 0.0
        self.random = random.Random(1)
        self.is_over = False
        self.thread = threading.Thread(target=self.carry)
        self.thread.start()

    def set(self, round_trip, loss):
        """`round_trip` in seconds; `loss`: the share lost, each way."""
        self.delay, self.loss = round_trip / 2, loss

    def carry(self):
        under_way = collections.deque()
        ready = selectors.DefaultSelector()
        for end, other in (self.ends, self.ends[::-1]):
            ready.register(end, selectors.EVENT_READ, other)
        while not self.is_over:
            wait = under_way[0][0] - time.monotonic() if under_way else 0.05
            for key, _ in ready.select(max(0.0, wait)):
                try:
                    packet = os.read(key.fd, 65535)
                except BlockingIOError:
                    continue
                if self.random.random() >= self.loss:
                    under_way.append((time.monotonic() + self.delay, key.data, packet))
            while under_way and under_way[0][0] <= time.monotonic():
                _, end, packet = under_way.popleft()
                try:
                    os.write(end, packet)
                except OSError:
                    pass  # the other end is down: the packet is lost

    def stop(self):
        self.is_over = True
        self.thread.join()
        for end in self.ends:
            os.close(end)
