"""Hosts with addresses of their own on one machine, and a network between them that can be slow, lossy or cut.

Each host is a network namespace with one TUN device; this process carries the packets between them, and decides what
becomes of each. A kernel with `sch_netem` could do the same; many that are built for virtual machines have none.
Nothing outside the namespaces is reached: they have no other device and no route.
"""

import asyncio
import contextlib
import fcntl
import ipaddress
import os
import random
import struct
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

PREFIX = "forebay-bench-"
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_LARGEST = 65535
_AT_ONCE = 64


@dataclass(frozen=True)
class Link:
    """What becomes of packets on the way between two hosts; `delay` in seconds each way, `loss` a share."""

    delay: float = 0.0
    loss: float = 0.0
    cut: bool = False


PERFECT = Link()
Pair = frozenset[str]


class Network:
    """Carries packets between hosts; `links` says how, by pairs of names, and a pair that is not there is perfect."""

    def __init__(self, hosts: Mapping[str, str], seed: int = 1) -> None:
        self.hosts = hosts
        self.links: dict[Pair, Link] = {}
        self.carried = 0
        self.dropped = 0
        self._chance = random.Random(seed)
        self._names = {ipaddress.ip_address(address).packed: name for name, address in hosts.items()}
        self._devices: dict[str, int] = {}

    @contextlib.contextmanager
    def up(self) -> Iterator[None]:
        """Make the namespaces, carry packets in the running event loop, and leave nothing behind."""
        loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as stack:
            for number, (name, address) in enumerate(self.hosts.items()):
                self._devices[name] = stack.enter_context(_host(name, address, f"fbtun{number}"))
                loop.add_reader(self._devices[name], self._carry, self._devices[name])
                stack.callback(loop.remove_reader, self._devices[name])
            yield
            self.links.clear()

    def between(self, some: Sequence[str], others: Sequence[str], link: Link) -> None:
        """Let ``link`` be what is between each of ``some`` and each of ``others``."""
        for one in some:
            self.links |= {frozenset((one, other)): link for other in others if other != one}

    def heal(self) -> None:
        """Make everything perfect."""
        self.links.clear()

    def _carry(self, device: int) -> None:
        for _ in range(_AT_ONCE):
            try:
                packet = os.read(device, _LARGEST)
            except BlockingIOError:
                return
            if packet[0] >> 4 == 4:
                self._forward(packet)

    def _forward(self, packet: bytes) -> None:
        source, target = self._names.get(packet[12:16]), self._names.get(packet[16:20])
        if source is None or target is None:
            return
        link = self.links.get(frozenset((source, target)), PERFECT)
        if link.cut or (link.loss and self._chance.random() < link.loss):
            self.dropped += 1
            return
        self.carried += 1
        if link.delay:
            asyncio.get_running_loop().call_later(link.delay, self._deliver, target, packet)
        else:
            self._deliver(target, packet)

    def _deliver(self, target: str, packet: bytes) -> None:
        with contextlib.suppress(OSError):  # the device is gone, or its queue is full: a packet is lost, as they are
            os.write(self._devices[target], packet)


def inside(host: str) -> list[str]:
    """What to put before a command for it to run on ``host``."""
    return ["ip", "netns", "exec", PREFIX + host]


@contextlib.contextmanager
def _host(name: str, address: str, device: str) -> Iterator[int]:
    """A namespace with one device, whose file descriptor this is."""
    space = PREFIX + name
    _ip("netns", "add", space)
    try:
        opened = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        try:
            fcntl.ioctl(opened, _TUNSETIFF, struct.pack("16sH22x", device.encode(), _IFF_TUN | _IFF_NO_PI))
            _ip("link", "set", device, "netns", space)
            _ip("-n", space, "address", "add", f"{address}/24", "dev", device)
            for each in (device, "lo"):
                _ip("-n", space, "link", "set", each, "up")
            yield opened
        finally:
            os.close(opened)
    finally:
        _ip("netns", "delete", space)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True, timeout=10)


Fault = Callable[[Network], None]
