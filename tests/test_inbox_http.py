"""Mail by HTTP: curl and the test client against `/inbox`, as people and the webhooks of mail services use it."""

from __future__ import annotations

import gc
import io
import json
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from digests import plain_mail
from flask.testing import FlaskClient
from test_serve import Server
from waiting import until

from feedsvc.config import Settings, load_settings, prepare_folders
from feedsvc.ingest import Ingester
from feedsvc.intake.spool import Spool
from feedsvc.store import Store
from feedsvc.web import create_app

TOKEN = "a-secret-of-the-inbox"
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")

BEARER = {"Authorization": f"Bearer {TOKEN}"}
RAW = {"content_type": "message/rfc822", "headers": BEARER}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load_settings(
        data=tmp_path / "data", inbox_token=TOKEN, max_message_bytes=1_000_000, access_token="of-the-pages"
    )
    prepare_folders(made)
    return made


@pytest.fixture
def client(settings: Settings, store: Store) -> Iterator[FlaskClient]:
    yield create_app(settings, store).test_client()
    gc.collect()  # the test client leaves the temporary files of its own large forms to the collector


def spooled(settings: Settings) -> dict[str, bytes]:
    """What waits in the spool, by name."""
    return {waiting.filename: waiting.path.read_bytes() for waiting in Spool(settings.spool).waiting()}


def test_a_raw_message_is_taken_and_its_fate_can_be_asked_for(
    client: FlaskClient, settings: Settings, store: Store
) -> None:
    answer = client.post("/inbox", data=plain_mail(1), **RAW)
    assert answer.status_code == 202
    (message,) = answer.get_json()["messages"]
    assert message["id"] == sha256(plain_mail(1)).hexdigest()
    assert answer.headers["Location"] == message["url"]
    path = message["url"].removeprefix("http://localhost")
    assert client.get(path, headers=BEARER).get_json()["state"] == "waiting"
    Ingester(settings, store).drain()
    fate = client.get(path, headers=BEARER).get_json()
    assert (fate["state"], fate["newsletter"]) == ("taken", "Example Weekly")
    issue = fate["issue"].removeprefix("http://localhost")
    assert client.get(f"{issue}?token=of-the-pages").status_code == 200
    assert client.post("/inbox", data=plain_mail(1), **RAW).status_code == 202, "a webhook that asks again is no error"
    assert Ingester(settings, store).drain().count("duplicate") == 1
    assert [(row.way, row.brought) for row in store.intakes()] == [("http", 2)]


def test_what_is_rejected_says_why(client: FlaskClient, settings: Settings, store: Store) -> None:
    answer = client.post("/inbox", data=b"%PDF-1.4 no mail", **RAW)
    assert answer.status_code == 202
    Ingester(settings, store).drain()
    fate = client.get(f"/inbox/{answer.get_json()['messages'][0]['id']}", headers=BEARER).get_json()
    assert (fate["state"], fate["code"]) == ("rejected", "not-a-message")
    assert "PDF" in fate["detail"]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"headers": {"Authorization": "Bearer wrong"}},
        {"headers": {"Authorization": "Bearer of-the-pages"}},
        {"query_string": {"token": "of-the-pages"}},
        {"auth": ("any", "wrong")},
        {"headers": {"Authorization": "Bearer "}},
    ],
)
def test_without_its_token_nothing_is_taken_or_told(
    client: FlaskClient, settings: Settings, given: dict[str, object]
) -> None:
    assert client.post("/inbox", data=plain_mail(1), content_type="message/rfc822", **given).status_code == 401
    assert client.get(f"/inbox/{'0' * 64}", **given).status_code == 401
    assert spooled(settings) == {}


@pytest.mark.parametrize("given", [{"query_string": {"token": TOKEN}}, {"auth": ("any", TOKEN)}, {"headers": BEARER}])
def test_the_token_is_taken_in_each_place(client: FlaskClient, given: dict[str, object]) -> None:
    assert client.post("/inbox", data=plain_mail(1), content_type="message/rfc822", **given).status_code == 202
    assert client.get("/", **given).status_code == 401, "it opens nothing else"


def test_where_no_token_is_set_nothing_is_taken(settings: Settings, store: Store) -> None:
    client = create_app(settings.model_copy(update={"inbox_token": None}), store).test_client()
    assert client.post("/inbox", data=plain_mail(1), **RAW).status_code == 403


def test_several_files_at_once(client: FlaskClient, settings: Settings, store: Store) -> None:
    box = io.BytesIO()
    with zipfile.ZipFile(box, "w") as archive:
        archive.writestr("old/3.eml", plain_mail(3))
        archive.writestr("old/4.eml", plain_mail(4))
    answer = client.post(
        "/inbox",
        data={
            "file": [(io.BytesIO(plain_mail(1)), "one.eml"), (io.BytesIO(plain_mail(2)), "../../two.eml")],
            "more": (io.BytesIO(box.getvalue()), "old.zip"),
        },
        headers=BEARER,
    )
    assert answer.status_code == 202
    assert [message["name"] for message in answer.get_json()["messages"]] == ["one.eml", "two.eml", "old.zip"]
    assert set(spooled(settings)) == {"one.eml", "two.eml", "old.zip"}
    assert Ingester(settings, store).drain().count("new") == 4
    archive_id = answer.get_json()["messages"][2]["id"]
    fate = client.get(f"/inbox/{archive_id}", headers=BEARER).get_json()
    assert fate == {"id": archive_id, "state": "unpacked", "messages": 2, "taken": 2, "rejected": 0, "waiting": 0}


def test_mailgun(client: FlaskClient, settings: Settings) -> None:
    form = {"recipient": "x@in.example.org", "sender": "a@example.org", "subject": "Issue 1", "timestamp": "1725368894"}
    large = plain_mail(1) + b"x" * 700_000  # more than a form field may have by default
    for encoding in ("multipart/form-data", "application/x-www-form-urlencoded"):
        answer = client.post(f"/inbox?token={TOKEN}", data=form | {"body-mime": large.decode()}, content_type=encoding)
        assert answer.status_code == 202, answer.text
    assert {data.replace(b"\r\n", b"\n") for data in spooled(settings).values()} == {large}


def test_postmark(client: FlaskClient, settings: Settings) -> None:
    body = {"From": "a@example.org", "MessageStream": "inbound", "RawEmail": plain_mail(1).decode()}
    assert client.post("/inbox", json=body, auth=("postmark", TOKEN)).status_code == 202
    assert list(spooled(settings).values()) == [plain_mail(1)]
    refused: tuple[object, ...] = ({"From": "x"}, [], {"RawEmail": 5}, "x", {"RawEmail": ""})
    for wrong in refused:
        assert client.post("/inbox", json=wrong, auth=("postmark", TOKEN)).status_code == 400


def test_cloudflare_sends_the_raw_message_as_it_is(client: FlaskClient, settings: Settings) -> None:
    for kind in ("application/octet-stream", "text/plain", ""):
        assert client.post("/inbox", data=plain_mail(1), content_type=kind, headers=BEARER).status_code == 202
    assert set(spooled(settings).values()) == {plain_mail(1)}


def test_what_is_too_large_is_413_and_what_is_empty_400(client: FlaskClient, settings: Settings) -> None:
    assert client.post("/inbox", data=b"x" * 1_000_001, **RAW).status_code == 413
    assert client.post("/inbox", data=b"x" * 6_000_000, **RAW).status_code == 413
    files = {"file": (io.BytesIO(b"x" * 1_000_001), "a.eml")}
    assert client.post("/inbox", data=files, headers=BEARER).status_code == 413
    for data in (b"", b" \r\n"):
        assert client.post("/inbox", data=data, **RAW).status_code == 400
    assert client.post("/inbox", data={"other": "x"}, headers=BEARER).status_code == 400
    assert spooled(settings) == {}


def test_a_disk_that_takes_nothing_is_a_reason_to_ask_again(client: FlaskClient, settings: Settings) -> None:
    settings.spool.rmdir()
    assert client.post("/inbox", data=plain_mail(1), **RAW).status_code == 503


@pytest.mark.parametrize("name", ["x", "0" * 63, "Z" * 64, "0" * 64])
def test_a_message_that_is_not_there(client: FlaskClient, name: str) -> None:
    assert client.get(f"/inbox/{name}", headers=BEARER).status_code == 404


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_bytes(plain_mail(1))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "feedsvc.toml").write_text(f'inbox_token = "{TOKEN}"\n')
    with Server(tmp_path / "data") as server:
        posted = subprocess.run(
            ["curl", "-sS", "-H", f"Authorization: Bearer {TOKEN}", "-H", "Content-Type: message/rfc822",
             "--data-binary", f"@{tmp_path / 'mail.eml'}", f"{server.url}/inbox"],
            capture_output=True, check=True,
        )  # fmt: skip
        (message,) = json.loads(posted.stdout)["messages"]

        def fate() -> str:
            asked = subprocess.run(
                ["curl", "-sS", "-u", f"any:{TOKEN}", message["url"]], capture_output=True, check=True
            )
            return str(json.loads(asked.stdout)["state"])

        assert until(lambda: fate() == "taken")
