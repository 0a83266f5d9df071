"""The application: made by `create_app`, for `feedsvc serve`, for any WSGI server, and for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from flask import Flask, Response, current_app, g, render_template, request
from werkzeug.exceptions import HTTPException, InternalServerError, ServiceUnavailable
from werkzeug.middleware.proxy_fix import ProxyFix

from feedsvc import __version__
from feedsvc.config import Settings, load_settings, prepare_folders
from feedsvc.errors import StoreError
from feedsvc.publish import read_time, without_images
from feedsvc.store import Store, open_store
from feedsvc.web import (
    access,
    add,
    feeds,
    go,
    inbox,
    issue,
    language,
    mend,
    newsletters,
    notices,
    origin,
    original,
    pictures,
    privacy,
    statistics,
    status,
    subscribe,
    today,
    when,
)
from feedsvc.web.badges import initials, shade
from feedsvc.web.documents import DocumentResponse
from feedsvc.web.headers import SECURITY_HEADERS
from feedsvc.web.highlight import excerpt, marked
from feedsvc.web.language import gettext
from feedsvc.web.rendering import renderer_of
from feedsvc.web.shortcut import Shortcut, ShortcutMiddleware
from feedsvc.web.site import EXTENSION, Site, root_path, site

_ADVICE: Final = {  # marked for translation where it is shown
    400: "The request could not be understood. Check the address.",
    401: "Give the token that this needs.",
    403: "Nothing was changed.",
    404: "Check the address, or look for it on the front page.",
    405: "This address cannot be used in this way. Go to the page that it belongs to, and do it there.",
    413: "Nothing of it was taken. A larger file can be put into the inbox folder, or taken in by “feedsvc ingest”.",
    500: "The log says more; trying again may help.",
    503: "Trying again in a moment may help; the log says more.",
}
_NAMES: Final = {  # for people; marked for translation where they are shown
    400: "That was not understood",
    401: "A token is needed",
    403: "That is not allowed",
    404: "There is no such page",
    405: "That cannot be done here",
    413: "That is too large",
    500: "Something failed here",
    503: "Not now",
}
_STORE_IS_SILENT: Final = "The store does not answer now."  # marked for translation where it is shown


def create_app(settings: Settings | None = None, store: Store | None = None, *, follow: bool = True) -> Flask:
    """Return the application.

    Without settings, those of the environment and of `feedsvc.toml` are loaded; without a store, theirs is opened. It
    serves only: the inbox is watched by `feedsvc serve`. Without `follow` what it serves never leads to `/go/`: for a
    static copy. Raises SettingsError or StoreError.
    """
    settings = load_settings() if settings is None else settings
    if store is None:
        if settings.database is None:
            prepare_folders(settings)
        store = open_store(settings.database_url)
    app = Flask(__name__)
    shortcut = Shortcut(store, guarded=settings.access_token is not None)
    app.extensions[EXTENSION] = Site(
        settings, store, renderer_of(settings, store, follow), shortcut, follow, settings.known_hosts
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    language.install(app.jinja_env)
    app.jinja_env.filters["exact"] = when.exact
    app.jinja_env.filters["duration"] = when.duration
    app.jinja_env.filters["called"] = privacy.called
    app.jinja_env.filters["excerpt"] = excerpt
    app.jinja_env.filters["marked"] = marked
    app.jinja_env.filters["initials"] = initials
    app.jinja_env.filters["shade"] = shade
    # What is read later, from a file, says the date itself.
    app.jinja_env.filters["ago"] = lambda moment: (
        when.relative(moment, datetime.now(UTC)) if follow else when.day(moment)
    )
    app.jinja_env.filters["without_images"] = without_images
    app.jinja_env.globals["read_time"] = read_time
    app.context_processor(_page_context)
    app.before_request(access.guard)
    app.before_request(origin.refuse_foreign)
    app.register_blueprint(access.blueprint)
    app.register_blueprint(feeds.blueprint)
    app.register_blueprint(go.blueprint)
    app.register_blueprint(inbox.blueprint)
    app.register_blueprint(mend.blueprint)
    app.register_blueprint(original.blueprint)
    app.register_blueprint(pictures.blueprint)
    for page in (today, newsletters, issue, subscribe, add, status, statistics):
        app.register_blueprint(page.blueprint)
    app.register_error_handler(HTTPException, _error_page)
    app.register_error_handler(StoreError, _store_error_page)
    app.after_request(access.remember)
    app.after_request(_secure)
    app.after_request(privacy.release_page)
    app.wsgi_app = ShortcutMiddleware(app.wsgi_app, shortcut)  # type: ignore[method-assign]
    if proxies := settings.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies, x_prefix=proxies
        )
    return app


def _page_context() -> dict[str, object]:
    """Return what every page may use, an error page too: nothing here asks the store."""
    here = site()
    return {
        "root": root_path(),
        # An error may be told to somebody who was not let in.
        "site_title": here.settings.title if g.get("let_in") else "feedsvc",
        "version": __version__,
        "live": here.follow,  # False in a static copy, which takes in and changes nothing
        "notice": notices.notice(),
        "page_name": request.blueprint,
    }


def _secure(response: Response) -> Response:
    if isinstance(response, DocumentResponse):
        return response  # it has them
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if response.mimetype == "text/html":
        response.headers.setdefault("Cache-Control", "private, no-cache")
    return response


def _error_page(error: HTTPException) -> Response:
    """Return a page in our own design that says what to do, and nothing of what went on inside."""
    if error.response is not None or error.code is None or error.code < 400:
        return error.get_response()  # type: ignore[return-value]
    own_words = error.description if type(error).description != error.description else None
    if isinstance(error, InternalServerError):
        own_words = None
    page = render_template(
        "error.html",
        code=error.code,
        name=_NAMES.get(error.code, error.name),
        words=own_words,
        advice=_ADVICE.get(error.code, ""),
    )
    response = Response(page, status=error.code)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _store_error_page(error: StoreError) -> Response:
    current_app.logger.error("%s %s: %s", request.method, request.path, error.detail)
    response = _error_page(ServiceUnavailable(gettext(_STORE_IS_SILENT)))
    response.headers["Retry-After"] = "10"
    return response
