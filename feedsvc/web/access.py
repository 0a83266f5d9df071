"""Who may see what: the access token, tokens that open one feed each, and the hosts that we answer to.

With `access_token` set, everything but `/healthz`, the login page and the files of `/static/` needs it. It is taken as the password of
HTTP Basic (with any user name), as `?token=`, or as the cookie that the login page sets. A token made by `feedsvc tokens
add` is taken in the same two places as the first, and opens its own feed. Tokens are compared as hashes and in
constant time, and nothing here logs a query or a header.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import re
import time
from functools import lru_cache
from importlib.resources import files
from typing import Final
from urllib.parse import urlsplit

from flask import Blueprint, Request, Response, g, make_response, redirect, render_template, request
from werkzeug.datastructures import Authorization
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response as BaseResponse

from feedsvc.web.documents import DocumentResponse
from feedsvc.web.feeds import feed_name
from feedsvc.web.selection import TOKEN
from feedsvc.web.site import root_path, site

blueprint = Blueprint("access", __name__)

COOKIE: Final = "feedsvc_session"
_COOKIE_S = 180 * 86_400
# The inbox has a token of its own.
_OPEN: Final = frozenset({"status.health", "access.login", "access.log_in", "inbox.receive", "inbox.fate"})
# The frame that shows a mail has no origin, so what it loads is asked for without the cookie: its address has a key.
_KEYED: Final = "original.proxied"
_REALM = 'Basic realm="feedsvc", charset="UTF-8"'
# A scheme that no browser knows: it shows the login page, not a window of its own.
_FORM = 'Form realm="feedsvc"'
_MAX_TOKEN_CHARS = 1000
# How pages look is no secret, and the login page needs it.
_STATIC: Final = frozenset(each.name for each in files("feedsvc.web").joinpath("static").iterdir())
_KEY_CHARS: Final = 32


def guard() -> Response | None:
    """Let the request through, or answer it: run before each. `g.let_in` says that it may see what is not for everybody."""
    here = site()
    asked_for: Request = request._get_current_object()  # type: ignore[attr-defined]
    endpoint = asked_for.endpoint
    if endpoint == "status.health":
        return None
    if here.settings.base_url is None and not _is_known_host(asked_for.host.lower(), here.known_hosts):
        raise BadRequest(
            "This server does not answer to the host name of this request. "
            "Name it in the setting allowed_hosts, or set base_url."
        )
    secret = here.settings.access_token
    if secret is None:
        g.let_in = True
        return None
    if endpoint in _OPEN or (endpoint == "static" and _is_file_of_ours(asked_for)):
        return None
    expected = secret.get_secret_value()
    if endpoint == _KEYED and _same(request.args.get("key", ""), key_of(request.path)):
        return None
    asked = request.args.get(TOKEN, "") if request.query_string else ""
    if asked and _opens(asked, expected):
        g.token, g.let_in = asked, True
        return None
    authorization = authorization_of(request)
    password = (authorization.password or "") if authorization and authorization.type == "basic" else ""
    if password and _opens(password, expected):
        g.let_in = True
        return None
    if _is_session(request.cookies.get(COOKIE, ""), expected):
        g.by_cookie = g.let_in = True
        return None
    return _refused()


def authorization_of(asked: Request) -> Authorization | None:
    """What the Authorization header says; None where it says nothing that can be read."""
    try:
        return asked.authorization
    except ValueError:  # letters beyond ASCII where base64 should be
        return None


def _is_file_of_ours(asked: Request) -> bool:
    return (asked.view_args or {}).get("filename") in _STATIC


def key_of(path: str) -> str:
    """Return what opens this path to whoever was shown it."""
    secret = site().settings.access_token
    known = b"" if secret is None else secret.get_secret_value().encode()
    return hmac.new(known, path.encode(), hashlib.sha256).hexdigest()[:_KEY_CHARS]


def remember(response: Response) -> Response:
    """Let a browser that opened a page with `?token=` go on without it: run after each."""
    if isinstance(response, DocumentResponse):
        return response
    asked = g.get("token", "")
    if asked and response.mimetype == "text/html" and response.status_code == 200:
        secret = site().settings.access_token
        if secret is not None and _same(asked, secret.get_secret_value()):
            _set_cookie(response, secret.get_secret_value())
    return response


@blueprint.get("/login")
def login() -> Response:
    """Show the login page."""
    return _login_page(200, request.args.get("next", "/"))


@blueprint.post("/login")
def log_in() -> BaseResponse:
    """Set the cookie, if the token is right, and lead back to where the person wanted to go."""
    secret = site().settings.access_token
    wanted = _own_path(request.form.get("next", "/"))
    if secret is None:
        return redirect(f"{root_path()}/", 303)
    given = request.form.get(TOKEN, "").strip()
    if not given or not _same(given, secret.get_secret_value()):
        return _login_page(401, wanted, wrong=True)
    response = redirect(f"{root_path()}{wanted}", 303)
    _set_cookie(response, secret.get_secret_value())
    return response


@blueprint.post("/logout")
def log_out() -> BaseResponse:
    """Take the cookie back."""
    response = redirect(f"{root_path()}/login", 303)
    response.delete_cookie(COOKIE, path=root_path() or "/")
    return response


def _opens(given: str, expected: str) -> bool:
    """Whether this token opens what is asked for: the access token everything, another one feed."""
    if _same(given, expected):
        return True
    if request.method not in ("GET", "HEAD") or "." not in given:
        return False
    feed = site().store.feed_of_token(given)
    return feed is not None and feed == feed_name(request.path, request.query_string.decode("utf-8", "replace"))


def _same(given: str, expected: str) -> bool:
    """Compare in constant time, whatever the lengths."""
    return hmac.compare_digest(_hashed(given[:_MAX_TOKEN_CHARS]), _hashed(expected))


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _refused() -> Response:
    """Say that a token is needed: a person gets the login page, a program a challenge that it understands."""
    wants_page = request.accept_mimetypes.quality("text/html") > 0 and "text/html" in request.headers.get("Accept", "")
    if wants_page and request.method in ("GET", "HEAD") and feed_name(request.path, "") is None:
        query = request.query_string.decode("utf-8", "replace")
        wanted = request.path if TOKEN in query or not query else f"{request.path}?{query}"
        return _login_page(401, wanted)
    response = Response(
        "This needs a token: as the password of HTTP Basic, or as ?token=.\n", 401, mimetype="text/plain"
    )
    response.headers["WWW-Authenticate"] = _REALM
    response.headers["Cache-Control"] = "no-store"
    return response


def _login_page(status: int, wanted: str, *, wrong: bool = False) -> Response:
    page = render_template("login.html", wanted=_own_path(wanted), wrong=wrong)
    response = make_response(page, status)
    response.headers["Cache-Control"] = "no-store"
    if status == 401:
        response.headers["WWW-Authenticate"] = _FORM
    return response


def _own_path(wanted: str) -> str:
    """The path if it is one of ours; nobody can be led elsewhere by a login."""
    plain = re.fullmatch(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*", wanted)
    return wanted if plain and not wanted.startswith("/login") else "/"


def _set_cookie(response: BaseResponse, secret: str) -> None:
    expires = int(time.time()) + _COOKIE_S
    response.set_cookie(
        COOKIE,
        f"{expires}.{_signature(secret, expires)}",
        max_age=_COOKIE_S,
        path=root_path() or "/",
        secure=request.is_secure or urlsplit(site().settings.base_url or "").scheme == "https",
        httponly=True,
        samesite="Lax",
    )


def _signature(secret: str, expires: int) -> str:
    """What only who knows the access token can write; another token makes all cookies worthless."""
    return hmac.new(_hashed(secret), f"feedsvc session until {expires}".encode(), hashlib.sha256).hexdigest()


def _is_session(cookie: str, secret: str) -> bool:
    expires, _, signature = cookie.partition(".")
    if not (expires.isascii() and expires.isdigit() and len(expires) <= 12 and signature.isascii()):
        return False
    return hmac.compare_digest(signature, _signature(secret, int(expires))) and int(expires) > time.time()


@lru_cache(maxsize=1024)
def _is_known_host(host: str, known: frozenset[str]) -> bool:
    """Whether a page from elsewhere cannot have this host: an address, this machine's own name, or one that is set.

    Any name can be made to lead here for a moment (DNS rebinding), and a page under it could then read what we serve.
    """
    found = re.fullmatch(r"(?:\[([0-9a-f:.]+)\]|([\w.-]+))(?::[0-9]{1,5})?", host, re.ASCII)
    name = (found[1] or found[2]) if found else ""
    if name == "localhost" or name.endswith(".localhost") or name.rstrip(".") in known:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
