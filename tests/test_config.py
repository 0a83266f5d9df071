"""Settings: which source goes first, what is refused and how that is told, and the folders."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from feedsvc.config import Settings, load_settings, prepare_folders
from feedsvc.errors import SettingsError


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.upper().startswith("FEEDSVC_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def write(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "feedsvc.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_defaults(tmp_path: Path) -> None:
    settings = load_settings()
    assert settings.data == tmp_path / "data"
    assert (settings.host, settings.port, settings.title, settings.feed_limit) == (
        "127.0.0.1",
        8080,
        "Newsletters",
        100,
    )
    assert (settings.settle_s, settings.rescan_s, settings.max_message_bytes) == (1.0, 2.0, 50_000_000)
    assert settings.database_url == f"sqlite:///{tmp_path}/data/feedsvc.db"
    assert settings.public_url == "http://127.0.0.1:8080"
    assert [settings.inbox, settings.spool, settings.archive, settings.rejected] == [
        tmp_path / "data" / name for name in ("inbox", "spool", "archive", "rejected")
    ]


def test_arguments_go_before_environment_before_file_before_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "d", 'title = "File"\nport = 1\nhost = "10.0.0.1"\n')
    monkeypatch.setenv("FEEDSVC_DATA", str(tmp_path / "d"))
    monkeypatch.setenv("FEEDSVC_PORT", "2")
    monkeypatch.setenv("FEEDSVC_HOST", "10.0.0.2")
    settings = load_settings(host="10.0.0.3", port=None)
    assert (settings.host, settings.port, settings.title, settings.feed_limit) == ("10.0.0.3", 2, "File", 100)


def test_the_file_is_looked_for_where_the_argument_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "environment", 'title = "E"')
    write(tmp_path / "argument", 'title = "A"')
    monkeypatch.setenv("FEEDSVC_DATA", str(tmp_path / "environment"))
    assert load_settings().title == "E"
    assert load_settings(data=tmp_path / "argument").title == "A"


def test_an_empty_variable_counts_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEEDSVC_PORT", "")
    assert load_settings().port == 8080


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("FEEDSVC_ACESS_TOKEN", "FEEDSVC_ACCESS_TOKEN"),
        ("feedsvc_base_ulr", "FEEDSVC_BASE_URL"),
        ("FEEDSVC_WORKER", "FEEDSVC_WORKERS"),
        ("FEEDSVC_WORKERS", None),
        ("feedsvc_workers", None),
        ("FEEDSVC_DEBUG", None),
        ("FEEDSVC_SERVICE_HOST", None),
        ("FEEDSVC_PORT_8080_TCP", None),
        ("FEEDSVC_IMAP_PASSWORD", None),
    ],
)
def test_a_misspelt_variable_is_told(
    name: str, meant: str | None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(name, "2")
    load_settings()
    told = [] if meant is None else [f"{name} in the environment sets nothing. Did you mean {meant}?"]
    assert caplog.messages == told


def test_the_home_folder_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    write(tmp_path / "home" / "news", 'database = "sqlite:///~/feeds.db"')
    settings = load_settings(data="~/news")
    assert settings.data == tmp_path / "home" / "news"
    assert settings.database_url == f"sqlite:///{tmp_path}/home/feeds.db"


@pytest.mark.parametrize(
    ("host", "base_url", "public"),
    [
        ("0.0.0.0", None, "http://127.0.0.1:8080"),
        ("::1", None, "http://[::1]:8080"),
        ("::", None, "http://[::1]:8080"),
        ("127.0.0.1", "https://example.org/feeds/", "https://example.org/feeds"),
    ],
)
def test_public_url(host: str, base_url: str | None, public: str) -> None:
    assert load_settings(host=host, base_url=base_url).public_url == public


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("port", "70000"),
        ("port", "-1"),
        ("port", "http"),
        ("feed_limit", "0"),
        ("settle_s", "nan"),
        ("settle_s", "-1"),
        ("rescan_s", "0"),
        ("max_message_bytes", "10"),
        ("max_message_bytes", "50 MB"),
        ("base_url", "feeds.example.org"),
        ("base_url", "ftp://feeds.example.org"),
        ("base_url", "https://feeds.example.org/?a=b"),
        ("title", "x" * 201),
        ("database", "feeds.db"),
        ("database", "sqlite://"),
    ],
)
def test_a_wrong_value_is_told_with_its_source_its_key_and_a_remedy(
    key: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remedy = Settings.model_fields[key].description
    assert remedy

    with pytest.raises(SettingsError) as by_argument:
        load_settings(**{key: value})
    assert by_argument.value.detail.startswith(f"--{key.replace('_', '-')}: ")
    assert by_argument.value.detail.endswith(f"It must be {remedy}.")

    monkeypatch.setenv(f"FEEDSVC_{key.upper()}", value)
    with pytest.raises(SettingsError) as by_environment:
        load_settings()
    assert by_environment.value.detail.startswith(f"FEEDSVC_{key.upper()}: ")
    monkeypatch.delenv(f"FEEDSVC_{key.upper()}")

    file = write(tmp_path / "data", f"{key} = {value!r}")
    with pytest.raises(SettingsError) as by_file:
        load_settings()
    assert by_file.value.detail.startswith(f"{file}, {key}: ")
    assert by_file.value.code == "settings"


def test_a_wrong_database_address_is_not_repeated_for_it_may_hold_a_password() -> None:
    with pytest.raises(SettingsError) as wrong:
        load_settings(database="user:hunter2@host/name")
    assert "hunter2" not in wrong.value.detail


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("feed-limit = 5", "there is no setting named feed-limit. Did you mean feed_limit?"),
        ("ports = 5", "Did you mean port?"),
        ("zzzzzz = 5", "The settings are: access_token, allow"),
        ("[server]\nport = 80", "there is no setting named server"),
        ("port = ", "not valid TOML"),
        ("title = 'caf\udce9'", "not valid TOML"),
        ("data = 'elsewhere'", "data cannot be set in the file"),
    ],
)
def test_a_file_that_is_wrong_is_named(line: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "data" / "feedsvc.toml"
    file.parent.mkdir()
    file.write_bytes(line.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError) as wrong:
        load_settings()
    assert wrong.value.detail.startswith(f"{file}: ")
    assert told in wrong.value.detail


def test_a_file_that_is_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "data" / "feedsvc.toml").mkdir(parents=True)
    with pytest.raises(SettingsError, match=r"feedsvc\.toml: cannot be read"):
        load_settings()


def test_settings_do_not_change_once_they_are_made() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().port = 1


def test_folders_are_made_for_their_owner_only(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path / "new" / "data")
    prepare_folders(settings)
    prepare_folders(settings)  # a second start finds them and says nothing
    assert stat.S_IMODE(settings.data.stat().st_mode) == 0o700
    assert sorted(path.name for path in settings.data.iterdir()) == ["archive", "inbox", "rejected", "spool"]


def test_a_data_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o750)
    (tmp_path / "data").chmod(0o750)
    prepare_folders(load_settings())
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o750


@pytest.mark.parametrize("place", ["data", "data/inbox", "above"])
def test_a_file_in_the_way_is_told_with_a_remedy(place: str, tmp_path: Path) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("in the way")
    settings = load_settings(data=tmp_path / "above" / "data" if place == "above" else tmp_path / "data")
    with pytest.raises(SettingsError, match=r"a file stands where a folder is needed.*--data"):
        prepare_folders(settings)


def test_a_folder_that_cannot_be_made_is_told_with_a_remedy() -> None:
    with pytest.raises(SettingsError, match=r"cannot use /proc/feedsvc: .*Give this user the right"):
        prepare_folders(load_settings(data="/proc/feedsvc/data"))  # not even root may make a folder there
