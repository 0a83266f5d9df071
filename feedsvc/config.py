"""The settings: one validated object; the command line goes before the environment, `feedsvc.toml` and the defaults."""

from __future__ import annotations

import difflib
import ipaddress
import logging
import os
import re
import tomllib
from pathlib import Path
from typing import Any, Final, Literal, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from feedsvc.errors import SettingsError
from feedsvc.ways import ImapAccount, WaysIn

logger = logging.getLogger(__name__)

ENV_PREFIX = "FEEDSVC_"
FILE_NAME = "feedsvc.toml"
DEFAULT_DATA = Path("data")
_NEAR_MISS = 0.9  # the share of letters that two names have in common


ResolveMode = Literal["on-click", "ahead", "never"]
RESOLVE_MODES: Final[tuple[ResolveMode, ...]] = get_args(ResolveMode)
ImagePolicy = Literal["keep", "strip", "proxy"]


class NewsletterSettings(BaseModel):
    """What is set for one newsletter; None is what is set for all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    resolve: ResolveMode | None = None


class Settings(BaseSettings, WaysIn):
    """Everything that can be set. Each description completes the sentence "it must be …" in an error.

    `data` is absolute once loaded. Times are in seconds, sizes in bytes.
    """

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    data: Path = Field(DEFAULT_DATA, description="a folder that feedsvc may write to", validate_default=True)
    database: str | None = Field(
        None,
        description="an SQLAlchemy address such as sqlite:////var/lib/feedsvc/feeds.db or postgresql+psycopg://host/name",
    )
    host: str = Field("127.0.0.1", min_length=1, description="an address of this machine; 0.0.0.0 for all of them")
    port: int = Field(8080, ge=0, le=65535, description="a whole number from 0 to 65535; 0 takes any free port")
    base_url: str | None = Field(
        None,
        description="the address under which readers reach feedsvc, such as https://feeds.example.org, with no query",
    )
    title: str = Field(
        "Newsletters", min_length=1, max_length=200, description="a name of 1 to 200 characters for the feed"
    )
    feed_limit: int = Field(100, ge=1, le=10_000, description="a whole number of entries from 1 to 10000")
    settle_s: float = Field(
        1.0,
        ge=0,
        le=3600,
        allow_inf_nan=False,
        description="a number of seconds from 0 to 3600 that a dropped file must rest",
    )
    rescan_s: float = Field(
        2.0,
        ge=0.05,
        le=3600,
        allow_inf_nan=False,
        description="a number of seconds from 0.05 to 3600 between two looks at the inbox",
    )
    max_message_bytes: int = Field(
        50_000_000, ge=1_000, le=2_000_000_000, description="a whole number of bytes from 1000 to 2000000000"
    )

    access_token: SecretStr | None = Field(
        None, min_length=1, description="a secret of your own; `openssl rand -base64 24` prints a good one"
    )
    allow_public: bool = Field(False, description="true or false")
    allowed_hosts: str | None = Field(
        None, description="host names such as feeds.example.org, parted by commas, without port or scheme"
    )
    trusted_proxies: int = Field(
        0, ge=0, le=10, description="a whole number from 0 to 10: how many proxies stand in front, one behind the other"
    )
    hub: str | None = Field(None, description="the address of a WebSub hub, such as https://hub.example.org/")

    resolve: ResolveMode = Field("on-click", description='"on-click", "ahead" or "never"')
    measure_read_time: bool = Field(False, description="true or false")
    resolve_loopback_ports: tuple[int, ...] = Field(
        (), description="a list of ports of this machine that links may lead to, such as [8001]; for tests"
    )
    images: ImagePolicy = Field("keep", description='"keep", "strip" or "proxy"')
    image_cache_bytes: int = Field(
        200_000_000, ge=0, le=1_000_000_000_000, description="a whole number of bytes from 0 to 1000000000000"
    )
    newsletters: dict[str, NewsletterSettings] = Field(
        {}, description='a table for each newsletter, such as [newsletters.tldr-ai] with resolve = "never" in it'
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The file is looked for in the data folder, so the sources before it are asked for that folder first."""
        file = InitSettingsSource(settings_cls, init_kwargs=_read_file(_file(init_settings())))
        return init_settings, env_settings, file

    @field_validator("data", mode="after")
    @classmethod
    def _absolute_data(cls, value: Path) -> Path:
        return _absolute(value)

    @field_validator("database", mode="after")
    @classmethod
    def _database_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        scheme, parted, rest = value.partition("://")
        if not parted or not scheme or not rest:
            raise ValueError("not a database address")
        if scheme.startswith("sqlite") and rest.startswith("/~"):
            return f"{scheme}:///{Path(rest[1:]).expanduser()}"
        return value

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _joined_hosts(cls, value: object) -> object:
        return ",".join(map(str, value)) if isinstance(value, list) else value  # as TOML would write it

    @field_validator("allowed_hosts", mode="after")
    @classmethod
    def _host_names(cls, value: str | None) -> str | None:
        for name in (value or "").split(","):
            if value is not None and not re.fullmatch(r"[\w-]+(\.[\w-]+)*", name.strip(), re.ASCII):
                raise ValueError("not a host name")
        return value

    @field_validator("hub", mode="after")
    @classmethod
    def _hub_address(cls, value: str | None) -> str | None:
        if value is not None:
            parts = urlsplit(value)
            if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r'[\s<>"]', value):
                raise ValueError("not a web address")
        return value

    @field_validator("base_url", mode="after")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("not a web address")
        return value.rstrip("/")

    @property
    def inbox(self) -> Path:
        """Where a person drops messages."""
        return self.data / "inbox"

    @property
    def spool(self) -> Path:
        """Where messages wait to be converted: the one queue that every intake writes to."""
        return self.data / "spool"

    @property
    def archive(self) -> Path:
        """Where the original bytes of every converted message are kept."""
        return self.data / "archive"

    @property
    def image_cache(self) -> Path:
        """Where pictures that were fetched for readers are kept for a while."""
        return self.data / "cache" / "images"

    @property
    def document_cache(self) -> Path:
        """Where worker processes find the documents that one of them has rendered."""
        return self.data / "cache" / "documents"

    @property
    def rejected(self) -> Path:
        """Where messages that cannot be read go, each with its reason beside it."""
        return self.data / "rejected"

    @property
    def database_url(self) -> str:
        """The store's SQLAlchemy address: the one that was set, else SQLite in the data folder."""
        return self.database or f"sqlite:///{self.data / 'feedsvc.db'}"

    @property
    def known_hosts(self) -> frozenset[str]:
        """The host names, in lower case, to which we answer besides addresses and `localhost`."""
        named = {name.strip().lower() for name in (self.allowed_hosts or "").split(",")}
        return frozenset({*named, self.host.lower()} - {""})

    @property
    def is_public(self) -> bool:
        """Whether other machines can reach the address that is served on."""
        if self.host.lower() == "localhost":
            return False
        try:
            return not ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return True

    @property
    def public_url(self) -> str:
        """The address under which readers reach feedsvc, without a slash at its end."""
        if self.base_url:
            return self.base_url
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def load_settings(**overrides: object) -> Settings:
    """The settings, with `overrides` (those that are not None) before all other sources.

    Raises SettingsError, whose detail names the source, the key and what would be right.
    """
    given = {key: value for key, value in overrides.items() if value is not None}
    _warn_of_misspelt_variables()
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as invalid:
        first = invalid.errors(include_url=False)[0]
        if first["loc"][0] == "imap" and len(first["loc"]) > 1:
            raise SettingsError(_explain_account(first, given)) from None
        raise SettingsError(_explain(str(first["loc"][0]), first["type"], first["input"], given)) from None


def prepare_folders(settings: Settings) -> None:
    """Make the data folder (for its owner only, where it is new) and the folders in it.

    Raises SettingsError where one cannot be made or written to.
    """
    try:
        if not settings.data.is_dir():
            settings.data.parent.mkdir(parents=True, exist_ok=True)
            settings.data.mkdir(mode=0o700, exist_ok=True)
        for folder in (settings.inbox, settings.spool, settings.archive, settings.rejected):
            folder.mkdir(exist_ok=True)
            if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                raise PermissionError(13, "this user may not read and write there", str(folder))
    except (FileExistsError, NotADirectoryError) as failure:
        raise SettingsError(
            f"cannot use {failure.filename}: a file stands where a folder is needed. "
            "Move it away, or choose another data folder with --data or FEEDSVC_DATA."
        ) from failure
    except OSError as failure:
        raise SettingsError(
            f"cannot use {failure.filename or settings.data}: {failure.strerror or failure}. "
            "Give this user the right to write there, or choose another data folder with --data or FEEDSVC_DATA."
        ) from failure


def _absolute(path: object) -> Path:
    try:
        return Path(str(path)).expanduser().absolute()
    except RuntimeError as unknown:  # ~name of a user who does not exist
        raise SettingsError(f"data = {str(path)!r}: {unknown} Write the whole path.") from None


def _file(given: dict[str, object]) -> Path:
    return _absolute(given.get("data") or os.environ.get(f"{ENV_PREFIX}DATA") or DEFAULT_DATA) / FILE_NAME


def _read_file(path: Path) -> dict[str, Any]:
    """What `feedsvc.toml` holds; nothing where there is no such file."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as failure:
        raise SettingsError(f"{path}: cannot be read: {failure.strerror}. Make it readable, or remove it.") from failure
    except ValueError as broken:  # TOMLDecodeError and UnicodeDecodeError are both ValueErrors
        raise SettingsError(f'{path}: not valid TOML: {broken}. A line reads: title = "My newsletters"') from broken
    if "data" in found:
        raise SettingsError(
            f"{path}: data cannot be set in the file that lies in it. Remove the line, and use --data or FEEDSVC_DATA."
        )
    return found


def _warn_of_misspelt_variables() -> None:
    """Say which variables were meant to set something, as it seems, and do not."""
    known = {f"{ENV_PREFIX}{name}".upper() for name in Settings.model_fields}
    for name in sorted(os.environ):
        # Programs that start others add variables of their own (FEEDSVC_SERVICE_HOST): only a near miss is told.
        if name.upper().startswith(ENV_PREFIX) and name.upper() not in known:
            near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=_NEAR_MISS)
            if near:
                logger.warning("%s in the environment sets nothing. Did you mean %s?", name, near[0])


def _explain_account(problem: ErrorDetails, given: dict[str, object]) -> str:
    """One sentence about what is wrong with a mail account."""
    account, *rest = (str(part) for part in problem["loc"][1:])
    where = f"{_file(given)}, [imap.{account}]"
    if not rest:
        said = problem["msg"].removeprefix("Value error, ")
        return f"{where}: {said}. The settings of an account are: {', '.join(ImapAccount.model_fields)}."
    if problem["type"] == "extra_forbidden":
        return f"{where}: there is no setting named {rest[0]}. They are: {', '.join(ImapAccount.model_fields)}."
    must = f"It must be {ImapAccount.model_fields[rest[0]].description}."
    if problem["type"] == "missing":
        return f"{where}: {rest[0]} is missing. {must}"
    return f"{where}: {rest[0]} = {problem['input']!r} will not do. {must}"


def _explain(key: str, problem: str, value: object, given: dict[str, object]) -> str:
    """One sentence for people: which source set which key to what, and what it must be."""
    if problem == "extra_forbidden":
        known = sorted(Settings.model_fields)
        near = difflib.get_close_matches(key.lower().replace("-", "_"), known, n=1, cutoff=0.5)
        remedy = f"Did you mean {near[0]}?" if near else f"The settings are: {', '.join(known)}."
        return f"{_file(given)}: there is no setting named {key}. {remedy}"
    if key in given:
        where = f"--{key.replace('_', '-')}"
    elif any(name.upper() == f"{ENV_PREFIX}{key}".upper() and text for name, text in os.environ.items()):
        where = f"{ENV_PREFIX}{key.upper()}"
    else:
        where = f"{_file(given)}, {key}"
    # A database address may hold a password.
    shown = "this value" if key in ("database", "access_token", "inbox_token") else repr(value)
    return f"{where}: {shown} will not do. It must be {Settings.model_fields[key].description}."
