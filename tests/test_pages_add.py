"""The page on which a person gives files: by a plain form, by the script, by dropping; and what became of each."""

from __future__ import annotations

import gc
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from browser import Opener, Served
from digests import plain_mail
from flask.testing import FlaskClient
from playwright.sync_api import FilePayload, expect
from waiting import until

from feedsvc.config import Settings, load_settings, prepare_folders
from feedsvc.ingest import Ingester
from feedsvc.intake.boxes import Box, note_unpacked, unpacked_box
from feedsvc.intake.spool import Spool
from feedsvc.store import Store
from feedsvc.web import create_app

DIGEST = (Path(__file__).resolve().parents[1] / "fixtures" / "digest-both-parts.eml").read_bytes()
PICTURE = b"\x89PNG\r\n\x1a\n and so on"
JSON = {"Accept": "application/json"}
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")


def payload(name: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": data}


def archive(*messages: bytes) -> bytes:
    box = io.BytesIO()
    with zipfile.ZipFile(box, "w") as file:
        for number, message in enumerate(messages):
            file.writestr(f"old/{number}.eml", message)
    return box.getvalue()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load_settings(data=tmp_path / "data", max_message_bytes=100_000)
    prepare_folders(made)
    return made


@pytest.fixture
def client(settings: Settings, store: Store) -> Iterator[FlaskClient]:
    yield create_app(settings, store).test_client()
    gc.collect()  # the test client leaves the temporary files of its own large forms to the collector


def send(client: FlaskClient, *files: tuple[str, bytes], **more: object) -> list[str]:
    """Send files by the form; returns their ids, in the order of the page that it leads to."""
    answer = client.post("/add", data={"file": [(io.BytesIO(data), name) for name, data in files]}, **more)
    assert answer.status_code == 303, answer.text
    assert answer.location.startswith("/add?of=")
    return re.findall(r"of=([0-9a-f]{64})", answer.location)


def fate(client: FlaskClient, upload_id: str) -> dict[str, object]:
    told = client.get(f"/add/{upload_id}", headers=JSON).get_json()
    assert isinstance(told, dict)
    return told


def test_a_plain_form_leads_to_what_became_of_each(client: FlaskClient, settings: Settings, store: Store) -> None:
    ids = send(client, ("good.eml", DIGEST), ("picture.eml", PICTURE), ("../../again.eml", DIGEST))
    assert ids == [sha256(DIGEST).hexdigest(), sha256(PICTURE).hexdigest()], "the same bytes twice are one file"
    assert [fate(client, one)["state"] for one in ids] == ["waiting", "waiting"]
    page = client.get("/add", query_string={"of": ids}).text
    assert page.count('data-state="waiting"') == 2
    assert "Look again" in page
    Ingester(settings, store).drain()
    page = client.get("/add", query_string={"of": ids}).text
    assert "11 articles from ByteBrief AI" in page
    assert "The file is an image, not a message." in page
    assert "Look again" not in page
    assert client.get(f"/add/{ids[0]}").text.count("11 articles from ByteBrief AI") == 1
    assert client.get(str(fate(client, ids[0])["url"])).status_code == 200


def test_an_archive_tells_how_many_messages_came_out(client: FlaskClient, settings: Settings, store: Store) -> None:
    file = archive(plain_mail(1), plain_mail(2), PICTURE)
    (box,) = send(client, ("old.zip", file))
    assert fate(client, box)["state"] == "waiting"
    Ingester(settings, store).drain()
    told = fate(client, box)
    assert (told["state"], told["words"]) == ("unpacked", "3 messages in it; 2 taken in, 1 not taken")
    (again,) = send(client, ("renamed.zip", file))
    assert again == box
    Ingester(settings, store).drain()
    assert fate(client, box)["words"] == "3 messages in it; 2 taken in, 1 not taken"


def test_nothing_that_is_told_of_a_file_names_the_reader(
    client: FlaskClient, settings: Settings, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    to = re.search(rb"^To: .*?([\w.+-]+@[\w.-]+)", DIGEST, re.MULTILINE)
    assert to is not None
    reader = to[1].decode()
    message = re.sub(rb"^Subject: ", b"Subject: For " + to[1] + b": ", DIGEST, count=1, flags=re.MULTILINE)
    (taken,) = send(client, (f"to {reader}.eml", message))
    Ingester(settings, store).drain()
    (refused,) = send(client, (f"again to {reader}.eml", b"\0"))
    Ingester(settings, store).drain()
    told = [fate(client, one) for one in (taken, refused)]
    assert [one["state"] for one in told] == ["taken", "rejected"]
    assert reader not in str(told)
    assert "[subscriber]" in str(told[0]["subject"])
    issue = str(told[0]["url"])
    paths = ("/status", f"/add?of={taken}&of={refused}", f"/add/{taken}", f"{issue}/original")
    pages = [client.get(path).text for path in paths]
    assert all("[subscriber]" in page and reader not in page for page in pages)
    # It is not the last look that finds it: that would log an error each time.
    assert not [record for record in caplog.records if "gave its reader away" in record.getMessage()]


def test_a_damaged_archive_says_so(client: FlaskClient, settings: Settings, store: Store) -> None:
    (box,) = send(client, ("old.zip", b"PK\x03\x04 and no more"))
    Ingester(settings, store).drain()
    told = fate(client, box)
    assert told["state"] == "rejected"
    assert "the archive is damaged" in str(told["words"])


def test_an_empty_file_is_told_of(client: FlaskClient, settings: Settings, store: Store) -> None:
    ids = send(client, ("good.eml", DIGEST), ("empty.eml", b""))
    Ingester(settings, store).drain()
    assert [fate(client, one)["state"] for one in ids] == ["taken", "rejected"]


@pytest.mark.parametrize(
    ("files", "status", "said"),
    [
        ([], 400, "No file was chosen"),
        ([("", b"")], 400, "No file was chosen"),
        ([("large.eml", b"x" * 100_001)], 413, "large.eml is larger than 100,000 bytes, which is the setting max_message_bytes"),
        ([("good.eml", DIGEST), ("huge.eml", b"x" * 1_500_000)], 413, "max_message_bytes"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_an_error_with_words(
    client: FlaskClient, settings: Settings, files: list[tuple[str, bytes]], status: int, said: str
) -> None:
    for headers in (JSON, {}):
        data = {"file": [(io.BytesIO(data), name) for name, data in files]}
        answer = client.post("/add", data=data, headers=headers, content_type="multipart/form-data")
        assert answer.status_code == status
        told = answer.get_json()["error"] if headers else answer.text
        assert said in told
    assert Spool(settings.spool).waiting() == [], "none of them, where one is refused"


def test_a_full_disk_is_an_error_with_words(client: FlaskClient, settings: Settings) -> None:
    settings.spool.rmdir()
    answer = client.post("/add", data={"file": (io.BytesIO(DIGEST), "a.eml")}, headers=JSON)
    assert answer.status_code == 503
    assert "Send it again" in answer.get_json()["error"]


@pytest.mark.parametrize("upload_id", ["0" * 64, "nonsense", "../status", "0" * 63 + "G"])
def test_what_nobody_sent_is_not_there(client: FlaskClient, upload_id: str) -> None:
    assert client.get(f"/add/{upload_id}").status_code == 404
    assert client.get("/add", query_string={"of": upload_id}).status_code == 200


def test_it_needs_the_token_of_the_pages(settings: Settings, store: Store) -> None:
    behind = settings.model_copy(update={"access_token": load_settings(access_token="of-the-pages").access_token})
    client = create_app(behind, store).test_client()
    assert client.post("/add", data={"file": (io.BytesIO(DIGEST), "a.eml")}).status_code == 401
    assert client.get(f"/add/{'0' * 64}").status_code == 401
    assert Spool(settings.spool).waiting() == []
    send(client, ("a.eml", DIGEST), auth=("any", "of-the-pages"))


def test_notes_of_boxes_are_bounded(store: Store) -> None:
    names = [sha256(str(number).encode()).hexdigest() for number in range(210)]
    for name in names:
        note_unpacked(store, name, Box("old.zip", 5000, tuple(names)))
    assert [name for name in names if unpacked_box(store, name) is None] == names[:10]
    newest = unpacked_box(store, names[-1])
    assert newest is not None
    assert (newest.messages, len(newest.first)) == (5000, 100)


def test_several_files_at_once_in_a_browser(own_library: Served, opener: Opener) -> None:
    visit = opener(own_library, "/add")
    page = visit.page
    mails = [plain_mail(number) for number in (1, 2)]
    page.set_input_files(
        "#files", [payload("one.eml", mails[0]), payload("broken.eml", PICTURE), payload("two.eml", mails[1])]
    )
    lines = page.locator("#uploads > li")
    expect(lines).to_have_count(3)
    expect(lines.nth(0)).to_have_attribute("data-state", "taken")
    expect(lines.nth(2)).to_have_attribute("data-state", "taken")
    expect(lines.nth(1)).to_have_attribute("data-state", "rejected")
    expect(lines.nth(1)).to_contain_text("The file is an image, not a message.")
    expect(lines.nth(0)).to_contain_text("from Example Weekly")
    assert page.locator("progress").count() == 0
    assert visit.axe() == []
    lines.nth(0).get_by_role("link", name="Issue 1").click()
    page.wait_for_url("**/issues/*")


def test_files_are_dropped_on_the_page(own_library: Served, opener: Opener) -> None:
    visit = opener(own_library, "/add", phone=True)
    drop = """([mail, name]) => {
        const carried = new DataTransfer();
        carried.items.add(new File([mail], "dropped.eml"));
        document.body.dispatchEvent(new DragEvent(name, {dataTransfer: carried, bubbles: true, cancelable: true}));
        return document.getElementById("drop").classList.contains("over");
    }"""
    assert visit.page.evaluate(drop, [plain_mail(7).decode(), "dragover"])
    assert not visit.page.evaluate(drop, [plain_mail(7).decode(), "drop"])
    expect(visit.page.locator("#uploads > li")).to_have_attribute("data-state", "taken")
    assert visit.overflow() == 0


def test_a_file_that_is_too_large_is_not_sent(own_library: Served, opener: Opener) -> None:
    visit = opener(own_library, "/add")
    visit.page.evaluate("() => { document.getElementById('drop').dataset.maxBytes = '10' }")
    visit.page.set_input_files("#files", payload("large.eml", DIGEST))
    line = visit.page.locator("#uploads > li")
    expect(line).to_have_attribute("data-state", "failed")
    expect(line).to_contain_text("max_message_bytes")
    assert visit.page.locator("#uploads > li").count() == 1


def test_what_the_server_refuses_is_told(own_library: Served, opener: Opener) -> None:
    visit = opener(own_library, "/add")
    visit.allow("status of 503")
    own_library.settings.spool.rename(own_library.settings.spool.with_name("away"))
    visit.page.set_input_files("#files", payload("good.eml", DIGEST))
    expect(visit.page.locator("#uploads > li")).to_contain_text("Send it again")
    own_library.settings.spool.with_name("away").rename(own_library.settings.spool)


def test_it_works_without_a_script(own_library: Served, opener: Opener) -> None:
    visit = opener(own_library, "/add", scripts=False)
    page = visit.page
    page.set_input_files("#files", [payload("one.eml", plain_mail(1)), payload("broken.eml", PICTURE)])
    page.get_by_role("button", name="Send").click()
    again = page.get_by_role("link", name="Look again")

    def has_ended() -> bool:
        if again.count() == 0:
            return True
        again.click()
        return False

    assert until(has_ended)
    expect(page.locator("#uploads > li")).to_have_count(2)
    expect(page.locator("#uploads")).to_contain_text("from Example Weekly")
    expect(page.locator("#uploads")).to_contain_text("The file is an image, not a message.")


def test_what_waits_for_long_says_for_what(library: Served, opener: Opener) -> None:
    """Nothing takes in what is sent to a server that only serves."""
    waits = plain_mail(99)
    path = Spool(library.settings.spool).put(waits, "old.eml", datetime.now(UTC) - timedelta(minutes=1), way="page")
    try:
        visit = opener(library, f"/add/{sha256(waits).hexdigest()}")
        expect(visit.page.locator(".fate")).to_contain_text("waits until “feedsvc serve” runs")
    finally:
        path.unlink()
