"""What this machine is: its memory, its processes, which addresses are its own, and what would leave it for others."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

WHAT_LEAVES = "your questions, your drafts and the passages found for them"
KEPT_FREE = 2_000_000_000  # bytes of memory left to the system, the browser and the coach itself


def memory_for_a_model() -> int:
    """Bytes of memory that a language model may take here."""
    import psutil

    return max(0, int(psutil.virtual_memory().total) - KEPT_FREE)


def this_process() -> str:
    """A name for this process that no later one has: its number and when it began."""
    import psutil

    process = psutil.Process()
    return f"{process.pid} {process.create_time():.2f}"


def still_runs(process: str) -> bool:
    """Whether the process that `this_process` named is still there."""
    import psutil

    number, _, began = process.partition(" ")
    try:
        return f"{psutil.Process(int(number)).create_time():.2f}" == began
    except (psutil.Error, ValueError):
        return False


def elsewhere(address: str) -> str:
    """The host of a URL where that is another machine; empty where it is this one."""
    host = urlsplit(address).hostname or "127.0.0.1"
    return "" if is_here(host) else host


def is_here(host: str) -> bool:
    """Whether a host name or address is this machine's own. No name is looked up: that would be a word to others."""
    name = host.strip("[]").lower()
    if name in {"localhost", socket.gethostname().lower()} or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    if address.is_loopback or address.is_unspecified:
        return True
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((name, 0))  # only an address of this machine can be bound, and nothing is sent
        except OSError:
            return False
    return True
