"""Mail by HTTP: `POST /inbox` puts messages into the spool, `/inbox/<id>` tells what became of each.

A body is a message as it is, or what the webhooks of mail services send: a form with `body-mime` (Mailgun), JSON with
`RawEmail` (Postmark), the raw message (an Email Worker of Cloudflare), or an upload of files. It needs the token of the
setting `inbox_token`, which opens nothing else: as `Authorization: Bearer`, as the password of HTTP Basic, or as `?token=`.
"""

from __future__ import annotations

import hashlib
import hmac

from flask import Blueprint, Request, Response, jsonify, request
from werkzeug.exceptions import BadRequest, Forbidden, Unauthorized

from feedsvc.intake.spool import HTTP
from feedsvc.web.access import authorization_of
from feedsvc.web.site import base_url, site
from feedsvc.web.uploads import Upload, fate_of, form_files, limit_request, put_uploads

blueprint = Blueprint("inbox", __name__)


@blueprint.post("/inbox")
def receive() -> Response:
    """Put what the request carries into the spool, and answer 202 once it is safe there."""
    _check_token()
    limit_request()
    uploads = [upload for upload in _uploads(request) if upload.data.strip()]
    if not uploads:
        raise BadRequest(
            "There is no message in this request. Send it as message/rfc822, as an upload of files, as a form with body-mime, "
            "or as JSON with RawEmail."
        )
    put_uploads(uploads, HTTP)
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
    found = fate_of(message_id)
    told: dict[str, object] = {"id": message_id, "state": found.state}
    if found.state == "taken":
        told |= {
            "received": None if found.received is None else found.received.isoformat(),
            "newsletter": found.newsletter,
            "articles": found.articles,
            "issue": f"{base_url()}/issues/{found.issue_id}",
        }
    elif found.state == "rejected":
        told |= {"code": found.code, "detail": found.detail}
    elif found.state == "unpacked":
        told |= {
            "messages": found.messages,
            "taken": found.taken,
            "rejected": found.rejected,
            "waiting": found.waiting,
        }
    response = jsonify(told)
    response.headers["Cache-Control"] = "no-store"
    return response


def _uploads(asked: Request) -> list[Upload]:
    if asked.mimetype in ("multipart/form-data", "application/x-www-form-urlencoded"):
        files = list(form_files())
        mime = [upload.data for field, upload in files if field == "body-mime"]
        mime += [text.encode("utf-8", "surrogateescape") for text in asked.form.getlist("body-mime")]
        return [Upload("message.eml", data) for data in mime] or [upload for _, upload in files]
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
    authorization = authorization_of(request)
    given = request.args.get("token", "")
    if authorization is not None:
        given = (authorization.token if authorization.type == "bearer" else authorization.password) or given
    if not hmac.compare_digest(_hashed(given), _hashed(secret.get_secret_value())):
        raise Unauthorized("This needs the inbox_token: as “Authorization: Bearer …”, as a password, or as ?token=.")


def _hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
