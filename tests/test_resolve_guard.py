"""No link, redirect or name leads the resolver into the network that it stands in."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from webserver import Reply, Site, serving

from feedsvc.errors import ResolveError
from feedsvc.resolve import Fetcher, resolve_link
from feedsvc.resolve.fetch import Clock
from feedsvc.resolve.guard import Guard, is_outside


@pytest.fixture
def inside() -> Iterator[Site]:
    """What must not be reached: a server on this machine that would answer whoever asks."""
    with serving() as site:
        site.pages["/"] = Reply.html("inside")
        yield site


@pytest.fixture
def outside() -> Iterator[Site]:
    """Stands for the internet: the tests' setting lets its port be asked, and no other."""
    with serving() as site:
        yield site


# `{port}` is the port of the server inside. Each names loopback, or what a cloud or a home has inside, in its own way.
SHAPES = [
    "http://127.0.0.1:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.0.0.1:{port}/",
    "http://017700000001:{port}/",
    "http://0177.0.0.01:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://127.000.000.001:{port}/",
    "http://127.255.255.254:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST.:{port}/",
    "http://①②⑦.⓪.⓪.①:{port}/",
    "http://127。0。0。1:{port}/",
    "http://%31%32%37.0.0.1:{port}/",
    "http://[::1]:{port}/",
    "http://[::]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[64:ff9b:1::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[2001:0:7f00:1::]:{port}/",
    "http://[fe80::1%25lo]:{port}/",
    "http://[fe80::1]:{port}/",
    "http://[fec0::1]:{port}/",
    "http://[fd00::1]:{port}/",
    "http://user@127.0.0.1:{port}/",
    "http://example.com@127.0.0.1:{port}/",
    "http://db:{port}/",
    "http://router.local/",
    "http://metadata.google.internal/",
    "http://localhost.localhost:{port}/",
    "http://127.0.0.1:{port}#@example.com/",
    "http://127.0.0.1\\@example.com:{port}/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://[::ffff:169.254.169.254]/",
    "http://[fd00:ec2::254]/",
    "http://192.0.0.192/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[ff02::1]/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/",
    "ftp://127.0.0.1/",
    "data:text/html,x",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_inside_is_asked(inside: Site, shape: str) -> None:
    with pytest.raises(ResolveError) as refusal:
        Fetcher().get(shape.format(port=inside.port), Clock.of())
    assert refusal.value.final
    assert refusal.value.code in ("inside", "address")
    assert inside.asked == []


def test_the_server_inside_would_have_answered(inside: Site) -> None:
    """A canary that is dead shows nothing."""
    fetcher = Fetcher(Guard(loopback_ports=frozenset({inside.port})))
    assert fetcher.get(f"http://127.1:{inside.port}/", Clock.of()).body == b"inside"


@pytest.mark.parametrize("shape", SHAPES)
def test_no_redirect_leads_inside(inside: Site, outside: Site, shape: str) -> None:
    outside.pages["/start"] = Reply.to(shape.format(port=inside.port))
    fetcher = Fetcher(Guard(loopback_ports=frozenset({outside.port})))
    with pytest.raises(ResolveError):
        resolve_link(f"{outside.url}/start", fetcher)
    assert outside.paths() == ["/start"]
    assert inside.asked == []


@pytest.mark.parametrize("shape", ["http://127.0.0.1:{port}/", "http://[::ffff:7f00:1]:{port}/", "//127.1:{port}/"])
def test_no_meta_refresh_leads_inside(inside: Site, outside: Site, shape: str) -> None:
    target = shape.format(port=inside.port)
    outside.pages["/start"] = Reply.html(f'<meta http-equiv="refresh" content="0; url={target}">')
    with pytest.raises(ResolveError):
        resolve_link(f"{outside.url}/start", Fetcher(Guard(loopback_ports=frozenset({outside.port}))))
    assert inside.asked == []


@pytest.mark.parametrize("port", [21, 22, 25, 3306, 5432, 6379, 8080, 8443, 11211])
def test_other_ports_than_the_web_s_are_not_asked(port: int) -> None:
    guard = Guard(lookup=lambda host, port: ["93.184.215.14"])
    with pytest.raises(ResolveError, match="inside"):
        guard.addresses("www.example.com", port, 1)
    assert guard.addresses("www.example.com", 443, 1) == ["93.184.215.14"]


def test_a_name_is_looked_up_once_and_that_address_is_asked(outside: Site) -> None:
    """DNS rebinding: who looks a name up again, after having judged its address, may be told another one."""
    asked: list[str] = []

    def lookup(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    outside.pages["/"] = Reply.html("what was looked at")
    fetcher = Fetcher(Guard(loopback_ports=frozenset({outside.port}), lookup=lookup))
    url = f"http://rebinding.example.com:{outside.port}/"
    assert fetcher.get(url, Clock.of()).body == b"what was looked at"
    assert asked == ["rebinding.example.com"]
    assert outside.asked[0].headers["host"] == f"rebinding.example.com:{outside.port}"
    with pytest.raises(ResolveError, match="inside"):  # the next request looks at the next answer
        fetcher.get(url, Clock.of())


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["93.184.215.14", "127.0.0.1"],  # one good address does not cover for a bad one
        ["93.184.215.14", "10.0.0.1"],
        ["::ffff:192.168.0.1"],
        ["fe80::1%eth0"],
        ["not an address"],
    ],
)
def test_a_name_with_an_address_inside_is_refused(addresses: list[str]) -> None:
    guard = Guard(lookup=lambda host, port: addresses)
    with pytest.raises(ResolveError, match="inside"):
        guard.addresses("www.example.com", 80, 1)


def test_a_name_without_address_may_be_asked_again() -> None:
    with pytest.raises(ResolveError) as failure:
        Guard(lookup=lambda host, port: []).addresses("gone.example", 80, 1)
    assert failure.value.code == "dns"
    assert not failure.value.final


def test_a_lookup_that_hangs_is_not_waited_for() -> None:
    import threading

    never = threading.Event()

    def lookup(host: str, port: int) -> list[str]:
        never.wait(5)
        return []

    with pytest.raises(ResolveError) as failure:
        Guard(lookup=lookup).addresses("slow.example", 80, 0.1)
    never.set()
    assert failure.value.code == "timeout"


@pytest.mark.parametrize(
    "address",
    ["93.184.215.14", "1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808", "2a00:1450:4001:81b::200e"],
)
def test_the_internet_may_be_asked(address: str) -> None:
    assert is_outside(ipaddress.ip_address(address))


@given(st.ip_addresses(v=4))
def test_an_address_of_ipv6_that_holds_one_of_ipv4_is_judged_by_it(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    for prefix in (0xFFFF << 32, int(ipaddress.IPv6Address("64:ff9b::"))):
        assert is_outside(ipaddress.IPv6Address(prefix + number)) == is_outside(address)


@given(st.sampled_from(["10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "192.168.0.0/16", "172.16.0.0/12"]), st.data())
def test_private_networks_are_inside_in_every_form(network: str, data: st.DataObject) -> None:
    address = data.draw(st.ip_addresses(v=4, network=network))
    number = int(address)
    six = [(0x2002 << 112) | (number << 80), (0xFFFF << 32) | number, number, (0x64FF9B << 96) | number]
    assert not is_outside(address)
    assert not any(is_outside(ipaddress.IPv6Address(each)) for each in six)
