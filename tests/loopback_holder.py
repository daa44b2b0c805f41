"""The process that makes a network in which only loopback exists, and keeps it: ``python loopback_holder.py FD``.

Unshares a user and a network namespace, as who it is (the caller's ids are mapped to themselves, so that what runs in there is not suddenly root), and brings
loopback up. Then it speaks over the Unix socket FD: first one line of JSON, ``{"namespaces": [...]}`` or ``{"refused": "why"}``; after that it answers each byte with a listening
socket on loopback, and ends with the other side. Must need nothing but Python's standard library, and no privileges where the kernel gives namespaces to everybody.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import socket
import struct
import sys
from pathlib import Path
from typing import Final

CLONE_NEWUSER: Final = 0x10000000
CLONE_NEWNET: Final = 0x40000000
SIOCGIFFLAGS: Final = 0x8913
SIOCSIFFLAGS: Final = 0x8914
IFF_UP: Final = 0x1


def unshare(flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(flags) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), "unshare")


def enter() -> list[str]:
    """Make the namespaces; return which, by the names of nsenter's options."""
    user, group = os.geteuid(), os.getegid()
    try:
        unshare(CLONE_NEWUSER | CLONE_NEWNET)
    except OSError:
        if user != 0:
            raise
        unshare(CLONE_NEWNET)  # a container that forbids user namespaces may allow root a network
        return ["net"]
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    return ["user", "net"]


def bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        _, flags = struct.unpack("16sh14x", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def main() -> None:
    with socket.socket(fileno=int(sys.argv[1])) as asker:
        try:
            said: dict[str, object] = {"namespaces": enter()}
            bring_loopback_up()
        except (OSError, AttributeError) as error:
            said = {"refused": str(error)}
        asker.sendall(json.dumps(said).encode() + b"\n")
        while "refused" not in said and asker.recv(1):
            with socket.create_server(("127.0.0.1", 0)) as server:
                socket.send_fds(asker, [b"."], [server.fileno()])


if __name__ == "__main__":
    main()
