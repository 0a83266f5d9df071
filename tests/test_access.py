"""Who may see what: every route with every credential, the login page, hosts, proxies, and what is never written down."""

from __future__ import annotations

import base64
import hmac
import logging
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from articles import add, article, issue
from click.testing import CliRunner
from flask import Flask, request, request_started
from flask.testing import FlaskClient
from selectolax.lexbor import LexborHTMLParser
from werkzeug.test import TestResponse

from feedsvc.cli import main
from feedsvc.config import Settings, load_settings
from feedsvc.model import Newsletter
from feedsvc.store import Store, open_store
from feedsvc.web import access, create_app
from feedsvc.web.feeds import feed_name

SECRET = "correct horse battery staple & äöü"
NARROW = "/feed.xml?min_minutes=5&kinds=article,job"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
OTHER = Newsletter("other.example.com", "Other", "other", "other@example.com")
NEWS = article("News", "https://www.example.com/news", read_minutes=6, section="Tools", label="Paper")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load_settings(data=tmp_path_factory.mktemp("data"), access_token=SECRET, title="Nobody else's business")


@pytest.fixture(scope="module")
def store(settings: Settings) -> Iterator[Store]:
    with open_store(settings.database_url) as opened:
        many = [article(f"Title {n}", f"https://example.com/{n}", read_minutes=7) for n in range(120)]
        add(opened, issue(0, NEWS, *many), issue(1, article("Else", "https://example.org/"), newsletter=OTHER))
        yield opened


@pytest.fixture(scope="module")
def app(settings: Settings, store: Store) -> Flask:
    return create_app(settings, store)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@dataclass(frozen=True)
class Credential:
    """What a request shows, and the one feed that it opens: all where it is "*", none where it is ""."""

    opens: str
    headers: dict[str, str] = field(default_factory=dict)
    query: str = ""


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def quoted(token: str) -> str:
    from urllib.parse import quote

    return quote(token, safe="")


@pytest.fixture(scope="module")
def credentials(app: Flask, store: Store) -> dict[str, Credential]:
    _, narrow = store.add_token(NARROW_NAME, "narrow")
    _, own = store.add_token("/newsletters/other/feed.json", "other")
    gone_row, gone = store.add_token("/feed.xml", "gone")
    assert store.revoke_token(gone_row.id)
    logged_in = app.test_client()
    assert logged_in.post("/login", data={"token": SECRET}).status_code == 303
    cookie = logged_in.get_cookie(access.COOKIE)
    assert cookie is not None
    session = f"{access.COOKIE}={cookie.value}"
    expires, _, signature = cookie.value.partition(".")
    return {
        "nothing": Credential(""),
        "browser": Credential("", BROWSER),
        "token in the address": Credential("*", query=f"token={quoted(SECRET)}"),
        "password": Credential("*", basic("anybody", SECRET)),
        "password without user": Credential("*", basic("", SECRET)),
        "cookie": Credential("*", {"Cookie": session}),
        "wrong token": Credential("", query="token=wrong"),
        "empty token": Credential("", query="token="),
        "start of the token": Credential("", query=f"token={quoted(SECRET[:-1])}"),
        "token and more": Credential("", query=f"token={quoted(SECRET + 'x')}"),
        "wrong password": Credential("", basic("anybody", "wrong")),
        "token as user": Credential("", basic(SECRET, "")),
        "no base64": Credential("", {"Authorization": "Basic !!"}),
        "no ASCII": Credential("", {"Authorization": "Basic é"}),
        "bearer": Credential("", {"Authorization": f"Bearer {quoted(SECRET)}"}),
        "long token": Credential("", query="token=" + "x" * 3000),
        "cookie of later": Credential("", {"Cookie": f"{access.COOKIE}={int(expires) + 1}.{signature}"}),
        "cookie of old": Credential("", {"Cookie": f"{access.COOKIE}=1.{access._signature(SECRET, 1)}"}),
        "cookie with the token": Credential("", {"Cookie": f"{access.COOKIE}={quoted(SECRET)}"}),
        "odd cookie": Credential("", {"Cookie": f"{access.COOKIE}=²³.é"}),
        "token of a narrow feed": Credential(NARROW_NAME, query=f"token={narrow}"),
        "the same as password": Credential(NARROW_NAME, basic("x", narrow)),
        "token of one newsletter": Credential("/newsletters/other/feed.json", query=f"token={own}"),
        "revoked token": Credential("", query=f"token={gone}"),
        "id of a token": Credential("", query=f"token={narrow.partition('.')[0]}."),
        "half a token": Credential("", query=f"token={narrow[:-1]}"),
        "NUL": Credential("", query="token=%00.%00"),
    }


NARROW_NAME = str(feed_name(*NARROW.partition("?")[::2]))

# Each rule of the application with addresses that it serves; `test_every_route_is_in_the_table` sees to it that none is left out.
ROUTES = {
    "/": ["/"],
    "/feed.<any(xml, rss, json):extension>": [
        "/feed.xml", "/feed.rss", "/feed.json", NARROW, "/feed.xml?limit=5", "/feed.xml?q=title", "/feed.xml?wrong=1",
        "/feed.xml?kinds=job,article&min_minutes=5",
    ],
    "/archive/<window>/feed.<any(xml, rss, json):extension>": [
        "/archive/1-100/feed.xml", "/archive/1-500/feed.xml?min_minutes=5&kinds=article,job", "/archive/x/feed.rss",
    ],
    "/newsletters/<slug>/feed.<any(xml, rss, json):extension>": [
        "/newsletters/other/feed.json", "/newsletters/other/feed.xml", "/newsletters/nobody/feed.xml",
        "/newsletters/other/feed.json?limit=5",
    ],
    "/newsletters/<slug>/archive/<window>/feed.<any(xml, rss, json):extension>": ["/newsletters/other/archive/1-500/feed.json"],
    "/subscriptions.opml": ["/subscriptions.opml"],
    "/static/<path:filename>": ["/static/nothing", "/static/../app.py", "/static/"],
    "/logout": [],
    "": ["/nothing/here", "/feed.exe", "/../etc/passwd", "/%2F/evil.example/", "/.env"],
}  # fmt: skip


def paths(app: Flask) -> list[str]:
    """Every address of the table, and one for each rule that another part of the program brought."""
    found = [path for known in ROUTES.values() for path in known]
    others = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.rule not in ROUTES and rule.endpoint not in ("status.health", "access.login", "access.log_in")
    ]
    nobody = "00000000-0000-0000-0000-000000000000"
    found += [
        re.sub(r"<(?:(\w+)(?:\([^()]*\))?:)?\w+>", lambda m: "0" if m[1] == "int" else nobody, rule) for rule in others
    ]
    return found


def ask(client: FlaskClient, path: str, shown: Credential, method: str = "GET") -> TestResponse:
    address = path + ("&" if "?" in path else "?") + shown.query if shown.query else path
    return client.open(address, method=method, headers=shown.headers)


def test_every_route_with_every_credential(app: Flask, credentials: dict[str, Credential]) -> None:
    asked = 0
    for path in paths(app):
        split = urlsplit(path)
        name = feed_name(split.path, split.query)
        for what, shown in credentials.items():
            for method in ("GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE"):
                answer = ask(app.test_client(use_cookies=False), path, shown, method)
                asked += 1
                with answer:
                    text = answer.get_data(as_text=True)
                if path.startswith("/inbox"):  # it has a token of its own: none of these opens it
                    assert answer.status_code >= 400 or method == "OPTIONS", (path, what, method, answer.status_code)
                    continue
                may = shown.opens == "*" or (shown.opens != "" and shown.opens == name and method in ("GET", "HEAD"))
                assert (answer.status_code != 401) == may, (path, what, method, answer.status_code)
                if not may:
                    assert answer.headers["WWW-Authenticate"].startswith(("Basic realm=", "Form realm="))
                    assert answer.headers["Cache-Control"] == "no-store"
                    assert "ETag" not in answer.headers
                    assert "Set-Cookie" not in answer.headers
                    for private in ("Nobody", "Title", "News", "Other", SECRET, str(app.instance_path)):
                        assert private not in text
    assert asked > 3000


def test_every_route_is_in_the_table(app: Flask) -> None:
    known = {rule.rule for rule in app.url_map.iter_rules()}
    assert set(ROUTES) - {""} <= known
    assert {"/healthz", "/login"} <= known


def test_right_credentials_get_the_real_thing(app: Flask, credentials: dict[str, Credential]) -> None:
    client = app.test_client(use_cookies=False)
    for shown in credentials.values():
        for path in ("/", "/feed.xml", NARROW, "/newsletters/other/feed.json"):
            expected = 200 if shown.opens in ("*", path, feed_name(*path.partition("?")[::2])) else 401
            assert ask(client, path, shown).status_code == expected


def test_health_and_login_are_open(client: FlaskClient) -> None:
    assert client.get("/healthz").status_code == 200
    page = client.get("/login")
    assert page.status_code == 200
    assert "Nobody" not in page.text


def test_how_pages_look_is_open_and_nothing_beside_it(client: FlaskClient) -> None:
    page = LexborHTMLParser(client.get("/login").text)
    needed = [str(node.attributes.get("href") or node.attributes.get("src")) for node in page.css("[src], link")]
    assert len(needed) >= 3
    for address in needed:
        with client.get(address) as answer:
            assert answer.status_code == 200
        assert client.post(address).status_code == 401
    for address in (
        "/static/nothing",
        "/static/../templates/login.html",
        "/static/%2e%2e/app.py",
        "/static/./style.css",
    ):
        assert client.get(address).status_code == 401


def test_a_validator_opens_nothing(client: FlaskClient) -> None:
    tag = client.get("/feed.xml", headers=basic("x", SECRET)).headers["ETag"]
    assert client.get("/feed.xml", headers=basic("x", SECRET) | {"If-None-Match": tag}).status_code == 304
    assert client.get("/feed.xml", headers={"If-None-Match": tag}).status_code == 401


def test_what_was_answered_once_is_answered_again_to_nobody_else(
    store: Store, settings: Settings, credentials: dict[str, Credential]
) -> None:
    """What readers poll is answered before Flask is woken, also where a token is needed: to the same credentials only."""
    app, woken = create_app(settings, store), []

    def note(sender: Flask, **fields: object) -> None:
        woken.append(request.path)

    row, token = store.add_token("/newsletters/other/feed.json", "gone soon")
    shown = credentials | {"soon revoked": Credential("/newsletters/other/feed.json", query=f"token={token}")}
    feeds = ("/feed.xml", NARROW, "/newsletters/other/feed.json")
    with request_started.connected_to(note, app):
        client = app.test_client(use_cookies=False)
        first: dict[tuple[str, str], bytes] = {}
        for turn in range(3):
            for path in feeds:
                for what, one in shown.items():
                    woken.clear()
                    answer = ask(client, path, one)
                    may = one.opens in ("*", feed_name(*path.partition("?")[::2]))
                    assert answer.status_code == (200 if may else 401)
                    quickly = may and what != "cookie" and turn > 0
                    assert (woken == []) == quickly, (path, what)
                    if may:
                        assert first.setdefault((path, what), answer.data) == answer.data
        with open_store(settings.database_url) as another_process:
            assert another_process.revoke_token(row.id)
        assert ask(client, "/newsletters/other/feed.json", shown["soon revoked"]).status_code == 401
        assert ask(client, "/newsletters/other/feed.json", shown["password"]).status_code == 200


def test_a_cookie_that_expires_between_two_requests_opens_nothing(app: Flask) -> None:
    client = app.test_client(use_cookies=False)
    expires = int(time.time()) + 2
    cookie = {"Cookie": f"{access.COOKIE}={expires}.{access._signature(SECRET, expires)}"}
    assert client.get("/feed.xml", headers=cookie).status_code == 200
    while time.time() <= expires:
        time.sleep(0.05)
    assert client.get("/feed.xml", headers=cookie).status_code == 401


def test_addresses_carry_the_token_they_were_asked_with(app: Flask, store: Store) -> None:
    _, token = store.add_token("/feed.json", "json")
    client = app.test_client()
    first = client.get(f"/feed.json?token={token}").json
    assert first is not None
    assert first["feed_url"].endswith(f"/feed.json?token={token}")
    older = client.get(first["next_url"])
    assert older.status_code == 200, "the archive opens with the same token"
    assert token not in client.get("/feed.json", headers=basic("x", token)).text
    listed = client.get(f"/subscriptions.opml?token={quoted(SECRET)}").text
    assert f"/newsletters/other/feed.xml?token={quoted(SECRET)}" in listed
    assert "token" not in client.get("/subscriptions.opml", headers=basic("x", SECRET)).text


# -- the login page -----------------------------------------------------------------------------------------------------


def test_login_sets_a_cookie_and_leads_back(client: FlaskClient) -> None:
    refused = client.get("/issues/x?y=1", headers=BROWSER)
    assert 'name="next" value="/issues/x?y=1"' in refused.text
    assert refused.headers["WWW-Authenticate"].startswith("Form"), "Basic would open a window of the browser's own"
    wrong = client.post("/login", data={"token": "wrong", "next": "/issues/x"})
    assert (wrong.status_code, "Set-Cookie" in wrong.headers) == (401, False)
    right = client.post("/login", data={"token": f" {SECRET} ", "next": "/issues/x?y=1"})
    assert (right.status_code, right.headers["Location"]) == (303, "/issues/x?y=1")
    cookie = right.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert quoted(SECRET) not in cookie
    assert client.get("/").status_code == 200
    assert client.post("/logout").status_code == 303
    assert client.get("/").status_code == 401


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "/a\r\nX: y",
        "",
        "/login",
    ],
)
def test_login_leads_nowhere_else(client: FlaskClient, elsewhere: str) -> None:
    assert client.post("/login", data={"token": SECRET, "next": elsewhere}).headers["Location"] == "/"
    shown = re.search(r'name="next" value="([^"]*)"', client.get("/login", query_string={"next": elsewhere}).text)
    assert shown
    assert shown[1] == "/"


def test_a_page_opened_with_a_token_sets_the_cookie(app: Flask, store: Store) -> None:
    client = app.test_client()
    page = client.get(f"/?token={quoted(SECRET)}")
    assert page.status_code == 200
    with client.get("/static/style.css") as style:
        assert style.status_code == 200
    _, token = store.add_token("/feed.xml", "x")
    other = app.test_client()
    assert "Set-Cookie" not in other.get(f"/feed.xml?token={token}").headers


def test_cookie_is_secure_over_https_and_worthless_with_another_token(settings: Settings, store: Store) -> None:
    outside = settings.model_copy(update={"base_url": "https://feeds.example.org/mail"})
    cookie = create_app(outside, store).test_client().post("/login", data={"token": SECRET}).headers["Set-Cookie"]
    assert {"Secure", "Path=/mail"} <= {part.strip() for part in cookie.split(";")}
    renewed = create_app(load_settings(data=settings.data, access_token="another"), store)
    value = cookie.partition(";")[0]
    assert renewed.test_client().get("/", headers={"Cookie": value}).status_code == 401


# -- what is written down -----------------------------------------------------------------------------------------------


def test_tokens_are_compared_in_constant_time_and_never_logged(
    app: Flask, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    compared = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append(1) or real(a, b))  # type: ignore[func-returns-value]
    _, token = store.add_token("/feed.rss", "x")

    def crash(*given: object, **fields: object) -> None:
        raise RuntimeError("broken")

    caplog.set_level(logging.DEBUG)
    client = app.test_client()
    for shown in (SECRET, token, "wrong.token"):
        for _ in range(3):  # the second time what was let in is answered without Flask
            before = len(compared)
            client.get(f"/feed.rss?token={quoted(shown)}")
            client.get("/feed.rss", headers=basic("x", shown))
            client.get("/", headers=basic("x", shown))
            assert len(compared) >= before + 3
    monkeypatch.setattr(Store, "newest", crash)
    broken = client.get(f"/feed.rss?token={quoted(SECRET)}&limit=7")
    assert broken.status_code == 500
    assert "broken" not in broken.text
    written = caplog.text + broken.text
    assert "broken" in caplog.text
    for secret in (SECRET, quoted(SECRET), token, token.partition(".")[2]):
        assert secret not in written


def test_the_database_holds_no_token(store: Store, settings: Settings) -> None:
    row, token = store.add_token("/feed.xml", "phone")
    assert row in store.tokens()
    kept = b"".join(path.read_bytes() for path in settings.data.glob("feedsvc.db*"))
    assert token.partition(".")[2].encode() not in kept


def test_settings_do_not_show_the_token(settings: Settings) -> None:
    assert SECRET not in repr(settings)
    assert SECRET not in str(settings.model_dump())


# -- hosts and proxies --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200), ("localhost:8080", 200), ("a.localhost", 200), ("127.0.0.1:8080", 200), ("[::1]:8080", 200),
        ("192.0.2.7", 200), ("feeds.example.org", 200), ("FEEDS.example.org:8080", 200), ("feeds.example.org.", 200),
        ("evil.example", 400), ("localhost.evil.example", 400), ("127.0.0.1.evil.example", 400), ("", 400),
        ("feeds.example.org.evil.example", 400), ("x@localhost", 400), ("[::1", 400),
    ],
)  # fmt: skip
def test_only_known_hosts_are_answered(settings: Settings, store: Store, host: str, status: int) -> None:
    opened = settings.model_copy(update={"access_token": None, "allowed_hosts": "feeds.example.org, x.example.org"})
    client = create_app(opened, store).test_client()
    for path in ("/", "/feed.xml", "/feed.xml", "/static/style.css"):
        answer = client.get(path, headers={"Host": host})
        with answer:
            assert answer.status_code == status
    if status == 400 and host:
        assert "allowed_hosts" in client.get("/", headers={"Host": host}).text
        assert "evil" not in client.get("/", headers={"Host": host}).text


def test_forwarded_headers_count_only_where_a_proxy_is_set(settings: Settings, store: Store) -> None:
    forwarded = {
        "X-Forwarded-Host": "feeds.example.org", "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/mail",
    }  # fmt: skip
    opened = settings.model_copy(update={"access_token": None, "allowed_hosts": "feeds.example.org"})
    plain = create_app(opened, store).test_client()
    behind = create_app(opened.model_copy(update={"trusted_proxies": 1}), store).test_client()
    for _ in range(2):
        for headers, base in ((forwarded, "https://feeds.example.org/mail"), ({}, "http://localhost")):
            first, second = (
                plain.get("/feed.json", headers=headers).json,
                behind.get("/feed.json", headers=headers).json,
            )
            assert first is not None
            assert second is not None
            assert first["feed_url"] == "http://localhost/feed.json"
            assert second["feed_url"] == f"{base}/feed.json"


# -- serving and the command --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "feeds.example.org"])
def test_serve_refuses_to_be_open_to_others(host: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "feedsvc", "serve", "--data", tmp_path / "data", "--host", host, "--port", "0"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert "--allow-public" in done.stderr
    assert "access_token" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ("127.0.0.1", False),
        ("127.8.8.8", False),
        ("::1", False),
        ("localhost", False),
        ("0.0.0.0", True),
        ("::", True),
        ("box", True),
    ],
)
def test_what_others_can_reach(host: str, public: bool, tmp_path: Path) -> None:
    assert load_settings(data=tmp_path, host=host).is_public == public


def test_tokens_command(tmp_path: Path) -> None:
    def run(*words: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(main, ["tokens", *words, "--data", str(tmp_path)], env={"COLUMNS": "120"})
        return result.exit_code, result.stdout, result.stderr

    assert "No tokens" in run("list")[1]
    status, address, said = run("add", "--name", "phone", "http://127.0.0.1:8080/feed.xml?limit=5&kinds=job,article")
    assert status == 0
    assert "no access_token is set" in said
    path, _, token = address.strip().partition("token=")
    assert path == "http://127.0.0.1:8080/feed.xml?kinds=article,job&limit=5&"
    token_id = token.partition(".")[0]
    listed = run("list")[1]
    assert "phone" in listed
    assert token_id in listed
    assert token not in listed
    app = create_app(load_settings(data=tmp_path, access_token=SECRET))
    own = address.strip().removeprefix("http://127.0.0.1:8080")
    assert app.test_client().get(own).status_code == 200
    assert app.test_client().get(f"/feed.xml?token={token}").status_code == 401
    assert run("revoke", token_id)[0] == 0
    assert app.test_client().get(own).status_code == 401
    assert run("revoke", token_id)[0] == 1
    for wrong in ("/", "/feed.exe", "/issues/x", "/feed.xml?wrong=1", "/subscriptions.opml"):
        status, _, said = run("add", wrong)
        assert status == 1
        assert "is no feed" in said


def test_who_was_not_let_in_is_not_told_the_title(client: FlaskClient, settings: Settings) -> None:
    for path, headers, status in (
        ("/", {"Host": "evil.example.com"}, 400),
        ("/login", {"Host": "evil.example.com"}, 400),
        ("/inbox/x", {}, 403),
    ):
        answer = client.get(path, headers=headers)
        assert answer.status_code == status
        assert settings.title.partition("'")[0] not in answer.text, path
    answer = client.post("/login", headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, settings.title.partition("'")[0] in answer.text) == (403, False)
    assert settings.title.partition("'")[0] in client.get("/nothing", headers=basic("x", SECRET)).text


def test_an_odd_key_of_a_picture_is_a_wrong_one(client: FlaskClient) -> None:
    for key in ("%C3%A9", "", "x" * 5000):
        assert client.get(f"/issues/x/picture/y?key={key}").status_code == 401
