"""Refuse every socket that would leave this machine; Python imports this by itself from PYTHONPATH.

`tests/conftest.py` runs it for the tests and hands it to the Python processes they start. With LOOPBACK_ONLY_RECORD
in the environment every refused host is written to that file, one a line.
"""

import ipaddress
import os
import socket


def refuse_other_machines() -> None:
    """Let sockets and name look-ups reach loopback and Unix sockets only; anything else raises OSError."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    sendto, getaddrinfo = socket.socket.sendto, socket.getaddrinfo

    def checked(address):
        host = address[0] if isinstance(address, tuple) else None
        if host is not None and not _is_here(host):
            _record(host)
            raise ConnectionRefusedError(f"the tests may not leave this machine, and {host} is elsewhere")
        return address

    def checked_getaddrinfo(host, *rest, **options):
        if host is not None and not _is_here(host):
            _record(host)
            raise socket.gaierror(socket.EAI_NONAME, f"the tests may not look up {host!r}")
        return getaddrinfo(host, *rest, **options)

    socket.socket.connect = lambda self, address: connect(self, checked(address))
    socket.socket.connect_ex = lambda self, address: connect_ex(self, checked(address))
    socket.socket.sendto = lambda self, data, *rest: sendto(self, data, *rest[:-1], checked(rest[-1]))
    socket.getaddrinfo = checked_getaddrinfo
    socket.loopback_only = True


def _record(host):
    if path := os.environ.get("LOOPBACK_ONLY_RECORD"):
        with open(path, "a", encoding="utf-8") as file:  # noqa: PTH123 (nothing more is imported at every start)
            file.write(f"{host}\n")


def _is_here(host) -> bool:
    name = host.decode() if isinstance(host, bytes) else str(host)
    if name in {"", "localhost", socket.gethostname()}:
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


if not getattr(socket, "loopback_only", False):
    refuse_other_machines()
