"""Mail by HTTP: `POST /inbox` puts messages into the spool, `/inbox/<id>` tells what became of each.

A body is a message as it is, or what the webhooks of mail services send: a form with `body-mime` (Mailgun), JSON with
`RawEmail` (Postmark), the raw message (an Email Worker of Cloudflare), or an upload of files. It needs the token of the
setting `inbox_token`, which opens nothing else: as `Authorization: Bearer`, as the password of HTTP Basic, or as `?token=`.

The id of a message is the SHA-256 of its bytes, so sending one twice is harmless and the answer survives a restart.
"""

from __future__ import annotations

import hashlib
import hmac
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, Request, Response, jsonify, request
from werkzeug.exceptions import BadRequest, Forbidden, NotFound, RequestEntityTooLarge, ServiceUnavailable, Unauthorized

from feedsvc.intake.spool import HTTP, Arrival, Spool
from feedsvc.store.disk import safe_name
from feedsvc.web.site import base_url, site

blueprint = Blueprint("inbox", __name__)

# A request may hold several messages; each is held to max_message_bytes, and all together to so many times that.
_MESSAGES_A_REQUEST: Final = 4
_FORM_BYTES: Final = 1_000_000
_MAX_FILES: Final = 1000
_SHA256_CHARS: Final = 64


@dataclass(frozen=True, slots=True)
class Upload:
    """A message, or a file of messages, that came with a request."""

    name: str
    data: bytes

    @property
    def id(self) -> str:
        """Under which its fate can be asked for."""
        return hashlib.sha256(self.data).hexdigest()


@blueprint.post("/inbox")
def receive() -> Response:
    """Put what the request carries into the spool, and answer 202 once it is safe there."""
    _check_token()
    limit = site().settings.max_message_bytes
    request.max_content_length = _MESSAGES_A_REQUEST * limit + _FORM_BYTES
    request.max_form_memory_size = limit + _FORM_BYTES
    request.max_form_parts = _MAX_FILES
    uploads = [upload for upload in _uploads(request) if upload.data.strip()]
    if not uploads:
        raise BadRequest(
            "There is no message in this request. Send it as message/rfc822, as an upload of files, as a form with body-mime, "
            "or as JSON with RawEmail."
        )
    for upload in uploads:
        if len(upload.data) > limit:
            raise RequestEntityTooLarge(
                f"{upload.name} is larger than {limit:,} bytes, which is the setting max_message_bytes."
            )
    spool = Spool(site().settings.spool)
    try:
        spool.put_all([Arrival(upload.data, upload.name) for upload in uploads], way=HTTP)
    except OSError as failure:
        raise ServiceUnavailable(
            f"It cannot be written to the disk now: {failure.strerror}. Send it again."
        ) from failure
    base = base_url()
    response = jsonify(
        messages=[{"id": one.id, "name": one.name, "url": f"{base}/inbox/{one.id}"} for one in uploads],
    )
    response.status_code = 202
    if len(uploads) == 1:
        response.headers["Location"] = f"{base}/inbox/{uploads[0].id}"
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/inbox/<message_id>")
def fate(message_id: str) -> Response:
    """Tell what became of a message."""
    _check_token()
    here = site()
    if len(message_id) != _SHA256_CHARS or not set(message_id) <= set("0123456789abcdef"):
        raise NotFound("There is no message of this name.")
    response: Response
    if (row := here.store.get_message(message_id)) is not None:
        articles = here.store.issue_articles(row.issue_id)
        response = jsonify(
            id=message_id,
            state="taken",
            received=row.received.isoformat(),
            newsletter=articles[0].newsletter.name if articles else None,
            articles=len(articles),
            issue=f"{base_url()}/issues/{row.issue_id}",
        )
    elif (refusal := here.store.get_rejection(message_id)) is not None:
        response = jsonify(id=message_id, state="rejected", code=refusal.code, detail=refusal.detail)
    elif Spool(here.settings.spool).holds(message_id):
        response = jsonify(id=message_id, state="waiting")
    else:
        raise NotFound(
            "There is no such message here. A file of several messages is taken apart, and each of them has an id of its own."
        )
    response.headers["Cache-Control"] = "no-store"
    return response


def _uploads(asked: Request) -> list[Upload]:
    if asked.mimetype in ("multipart/form-data", "application/x-www-form-urlencoded"):
        files, mime = [], []
        for name, file in asked.files.items(multi=True):
            with closing(file):  # a large one is in a temporary file
                if name == "body-mime":
                    mime.append(file.read())
                else:
                    files.append(Upload(safe_name(file.filename or "message.eml"), file.read()))
        mime += [text.encode("utf-8", "surrogateescape") for text in asked.form.getlist("body-mime")]
        return [*(Upload("message.eml", data) for data in mime), *(files if not mime else [])]
    if asked.mimetype == "application/json":
        body = asked.get_json(silent=True)
        raw = body.get("RawEmail") if isinstance(body, dict) else None
        if not isinstance(raw, str):
            raise BadRequest(
                "This JSON has no RawEmail. In Postmark, switch on “Include raw email content in JSON payload”."
            )
        return [Upload("message.eml", raw.encode("utf-8", "surrogatepass"))]
    return [Upload("message.eml", asked.get_data())]


def _check_token() -> None:
    """Let nobody by who has not the token; the body is not read before that."""
    secret = site().settings.inbox_token
    if secret is None:
        raise Forbidden("Mail is not taken by HTTP here. Set inbox_token to a secret of your own to have it taken.")
    authorization = request.authorization
    given = request.args.get("token", "")
    if authorization is not None:
        given = (authorization.token if authorization.type == "bearer" else authorization.password) or given
    if not hmac.compare_digest(_hashed(given), _hashed(secret.get_secret_value())):
        raise Unauthorized("This needs the inbox_token: as “Authorization: Bearer …”, as a password, or as ?token=.")


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
