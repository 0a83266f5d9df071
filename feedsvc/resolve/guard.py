"""Which addresses may be asked: only those that anybody on the internet may ask, and nothing of the network we stand in.

A mail can hold any link, and a link any redirect; one of them may point at a router, a cloud's metadata service or the
database next door (server-side request forgery, CWE-918). So a name is looked up once, every address that it has is
looked at, and the connection is made to the address that was looked at: a name that answers otherwise a moment later
(DNS rebinding) is not asked again.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from feedsvc.errors import ResolveError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Lookup = Callable[[str, int], list[str]]

PORTS: Final = frozenset({80, 443})

# Ranges of IPv6 in which an IPv4 address stands (RFC 6052 section 2.1, RFC 4291 section 2.5.5.1).
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
# What Python calls global, or does so in some of its versions, and what leads inside all the same.
_NEVER = tuple(
    ipaddress.ip_network(each)
    for each in (
        "64:ff9b:1::/48",  # NAT64 within one network (RFC 8215)
        "2001::/23",  # Teredo, benchmarks and other protocol assignments (RFC 2928)
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation (RFC 9637)
        "5f00::/16",  # segment routing (RFC 9602)
        "fec0::/10",  # site-local, deprecated
        "192.88.99.0/24",  # 6to4 relays, deprecated
        "192.0.0.0/24",  # protocol assignments
    )
)


@dataclass(frozen=True, slots=True)
class Guard:
    """Decides about addresses. `loopback_ports` are ports of this machine that may be asked: a setting for tests.

    `lookup` gives the addresses of a host's name, as text.
    """

    loopback_ports: frozenset[int] = frozenset()
    lookup: Lookup | None = None

    def addresses(self, host: str, port: int, timeout_s: float) -> list[str]:
        """Return the addresses of a host that may be connected to, looked up once.

        Raises ResolveError where it has none, or one that is not for everybody.
        """
        if _is_own_name(host):
            raise ResolveError(f"{host} is a name inside a network.", code="inside", final=True)
        found = [host.strip("[]")] if _literal(host) else self._look_up(host, port, timeout_s)
        if not found:
            raise ResolveError(f"{host} has no address.", code="dns")
        for text in found:
            if not self._may_be_asked(text, port):
                raise ResolveError(
                    f"{host} is an address inside a network, or a port that is no web server's.",
                    code="inside",
                    final=True,
                )
        return found

    def _may_be_asked(self, text: str, port: int) -> bool:
        address = _literal(text)
        if address is None:
            return False
        if port in self.loopback_ports and address.is_loopback:
            return True
        return port in PORTS and is_outside(address)

    def _look_up(self, host: str, port: int, timeout_s: float) -> list[str]:
        """Ask for a name's addresses, for no longer than this: the system's resolver has no bound of its own."""
        answer: list[list[str]] = []
        lookup = self.lookup or _system_lookup

        def ask() -> None:
            try:
                answer.append(lookup(host, port))
            except (OSError, UnicodeError):
                answer.append([])

        thread = threading.Thread(target=ask, name="feedsvc-lookup", daemon=True)
        thread.start()
        thread.join(timeout_s)
        if not answer:
            raise ResolveError(f"The name {host} could not be looked up in time.", code="timeout")
        return answer[0]


def is_outside(address: Address) -> bool:
    """Whether an address is one of the internet's, for a single host; also the IPv4 address that one of IPv6 holds."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return False
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and (address in _NAT64 or address in _COMPATIBLE):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None and not is_outside(inner):
            return False
        if address.ipv4_mapped is not None:
            return True
        if address in _COMPATIBLE or address.is_site_local:
            return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_unspecified
        and not address.is_loopback
        and not address.is_link_local
        and (not address.is_reserved or (address.version == 6 and address in _NAT64))
        and not any(address.version == each.version and address in each for each in _NEVER)
    )


def _is_own_name(host: str) -> bool:
    """Whether a name is this machine's, or one of a local network: those have no dot, or an ending of their own."""
    name = host.rstrip(".").lower()
    if _literal(host) is not None:
        return False
    return "." not in name or name.rpartition(".")[2] in ("localhost", "local", "internal", "lan", "home", "arpa")


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def _system_lookup(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))
