"""Who a newsletter is, whom it was sent to and how to leave it: the same in each of its mails."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedsvc.mail import parse_message
from feedsvc.mail.identity import slug, stable_address
from feedsvc.model import Message

RECEIVED = datetime(2026, 11, 20, tzinfo=UTC)


def read(head: str, body: str = "Words.", filename: str | None = "mail.eml") -> Message:
    return parse_message(f"{head}\nMIME-Version: 1.0\n\n{body}\n".encode(), received=RECEIVED, filename=filename)


@pytest.mark.parametrize(
    ("head", "key", "name"),
    [
        ("From: A B <a@b.example>\nList-Id: The List <list.b.example>", "list.b.example", "A B"),
        ("From: a@b.example\nList-Id: The List <List.B.example>", "list.b.example", "The List"),
        ("From: a@b.example\nList-Id: f39692e2mc list <f39692e2.245405.list-id.mcsv.example>", None, "b.example"),
        ("From: A@B.example", "a@b.example", "b.example"),
        ("From: news@mail.b.example", "news@mail.b.example", "b.example"),
        ("From: Newsletter", "newsletter", "Newsletter"),
        ('From: "Last, First" <a@b.example>', "a@b.example", "Last, First"),
        ("From: =?utf-8?Q?Bits=2C_=C3=A9t=C3=A9_=3Cx=40y=3E?= <a@b.example>", "a@b.example", "Bits, été <x@y>"),
        ("From: a@b.example (Comment Name)", "a@b.example", "Comment Name"),
        ('From: "a@b.example" <a@b.example>', "a@b.example", "b.example"),
        ("From: =?utf-8?Q?Caf=C3=A9?=\n <a@b.example>", "a@b.example", "Café"),
        ("From: One <a@b.example>, Two <c@d.example>", "a@b.example", "One"),
        ("Sender: S <s@b.example>", "s@b.example", "S"),
        ("Reply-To: R <r@b.example>", "r@b.example", "R"),
        ("Return-Path: <owner@b.example>", "owner@b.example", "b.example"),
        ("Return-Path: <bounces+123-ab-me=home.example@em.b.example>", "em.b.example", "b.example"),
        ("List-Id: <list.b.example>", "list.b.example", "list"),
        ("Subject: Only a subject", "mail", "mail"),
    ],
)
def test_newsletter(head: str, key: str | None, name: str) -> None:
    newsletter = read(head).newsletter
    assert newsletter.name == name
    assert newsletter.key == key or (key is None and newsletter.key == newsletter.list_id)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Online#3.19856.0b-J216gBVtducSysRR.1@news.b.example", "Online#3.19911.7c-K1xxhCWuevdTztSS.1@news.b.example"),
        ("bounces+8755799-ad1c-me=home.example@mg.b.example", "bounces+8755801-77af-me=home.example@mg.b.example"),
        ("reply+2bjtlc&3dyl2@mg.b.example", "reply+9xkqpz&3dyl2@mg.b.example"),
        ("010f019f610c04db-00a3134b-56e8@b.example", "010f019fbdbd2220-2a4bca88-b5e1@b.example"),
        ("weekly+token-1@b.example", "weekly@b.example"),
    ],
)
def test_tokens_in_the_sender_do_not_make_two_newsletters(one: str, other: str) -> None:
    first, second = (read(f"From: Digital Dispatch <{address}>").newsletter for address in (one, other))
    assert first == second
    assert "home.example" not in f"{first}"


def test_two_newsletters_behind_made_addresses_of_one_host_stay_apart() -> None:
    first = read("From: Dispatch <Online#3.1.0b-J216gB@n.example>").newsletter
    second = read("From: Anchor <Online#3.2.0b-K216gB@n.example>").newsletter
    assert (first.key, second.key) == ("dispatch@n.example", "anchor@n.example")
    assert first.address is None


@pytest.mark.parametrize("address", ["hello@b.example", "top10@b.example", "info2024@b.example", "a.b-c_d@b.example"])
def test_ordinary_addresses_are_stable(address: str) -> None:
    assert stable_address(address) == address


def test_a_list_id_that_numbers_the_mailing_is_no_identity() -> None:
    head = "From: A <a@b.example>\nX-Mailing: {n}\nList-Id: <{n}.77.send.example>"
    assert read(head.format(n=101)).newsletter == read(head.format(n=102)).newsletter
    assert read(head.format(n=101)).newsletter.key == "a@b.example"
    same = read("From: A <a@b.example>\nX-Mailing: 5\nList-Id: <101.77.send.example>").newsletter
    assert same.list_id == "101.77.send.example"


def test_a_list_id_with_the_token_of_the_return_path_is_no_identity() -> None:
    head = "From: A <a@b.example>\nReturn-Path: <return+{t}@s.example>\nList-Id: <{t}.list-id.s.example>"
    assert read(head.format(t="uxz7dfiv-o6cz2uk0-t3h")).newsletter.key == "a@b.example"
    assert read(head.format(t="gardeners")).newsletter.key == "gardeners.list-id.s.example"


def test_recipients_are_found_wherever_they_stand() -> None:
    head = (
        'To: "Me" <ME@home.example>, list@b.example\nCc: x@home.example\nDelivered-To: d@home.example\n'
        "X-Original-To: o@home.example\nX-Forwarded-To: f@home.example\nEnvelope-To: e@home.example\n"
        "Return-Path: <bounces+8755799-ad1c-verp.me=home.example@ck.b.example>\nFrom: a@b.example"
    )
    expected = {"me", "x", "d", "o", "f", "e", "verp.me"}
    assert read(head).recipients == {f"{local}@home.example" for local in expected} | {"list@b.example"}


@pytest.mark.parametrize(
    ("head", "targets", "one_click"),
    [
        ("List-Unsubscribe: <https://b.example/u?x=1>, <mailto:u@b.example?subject=stop>", 2, False),
        ("List-Unsubscribe: <https://b.example/u>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click", 1, True),
        ("List-Unsubscribe: <mailto:u@b.example>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click", 1, False),
        ("List-Unsubscribe: <https://b.example/\n\tlong>", 1, False),
        ("List-Unsubscribe: <javascript:alert(1)>, <file:///etc>", 0, False),
        ("X-Nothing: 1", 0, False),
    ],
)
def test_unsubscribe(head: str, targets: int, one_click: bool) -> None:
    message = read("From: a@b.example\n" + head)
    assert (len(message.unsubscribe), message.one_click) == (targets, one_click)
    assert message.bulk == ("List-Unsubscribe" in head)
    assert not [target for target in message.unsubscribe if " " in target]


def test_bulk_by_precedence_and_web_page_by_header() -> None:
    assert read("From: a@b.example\nPrecedence: Bulk").bulk
    assert not read("From: a@b.example\nPrecedence: first-class").bulk
    archived = read("From: a@b.example\nArchived-At: <https://b.example/7>\nList-Post: <https://b.example/p>")
    assert archived.web_url == "https://b.example/7"
    assert read("From: a@b.example\nList-Post: <mailto:l@b.example>").web_url is None


@given(st.text(max_size=80))
def test_slugs_are_ascii_lower_case_and_never_empty(text: str) -> None:
    made = slug(text)
    assert made
    assert made.isascii()
    assert made == made.lower() == made.strip("-")
    assert all(c.isalnum() or c == "-" for c in made)
    assert slug(made) == made


def test_slugs_of_other_scripts_differ() -> None:
    assert slug("週刊") != slug("日刊")
    assert (slug("Ben's Bites"), slug("Größe & Maß")) == ("bens-bites", "grosse-mass")
