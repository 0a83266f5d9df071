"""What the commands share: how they open a data folder, what they print, and how they tell what went wrong."""

from __future__ import annotations

import io
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from feedsvc.errors import FeedsvcError

if TYPE_CHECKING:
    from rich.console import Console

    from feedsvc.config import Settings
    from feedsvc.store import Store


_SENTENCE_CHARS = 200


class Commands(click.Group):
    """The group of commands: what goes wrong is told in one line, and only FEEDSVC_DEBUG shows where."""

    def invoke(self, ctx: click.Context) -> Any:
        # What commands find is in what they print; `serve`, which logs, says so. Only then does this logger speak.
        logging.getLogger("feedsvc").addHandler(logging.NullHandler())
        try:
            return super().invoke(ctx)
        except FeedsvcError as error:
            if debugging():
                raise
            complain(error.detail)
            sys.exit(1)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise  # click knows what to do: usage is status 2, a reader that left ends the command quietly
        except Exception as error:
            if debugging():
                raise
            complain(mistake(error))
            sys.exit(1)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with the first sentence of each; click would cut it off where the line ends."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, one.get_short_help_str(_SENTENCE_CHARS)) for name, one in sorted(self.commands.items())]
            )


def data_option(command: Callable[..., None]) -> Callable[..., None]:
    return click.option(
        "--data",
        metavar="DIR",
        help="The data folder.  [default: FEEDSVC_DATA, else ./data]",
        type=click.Path(path_type=Path),
    )(command)


@contextmanager
def open_data(data: Path | None, **overrides: object) -> Iterator[tuple[Settings, Store]]:
    """The settings and the store of a data folder, which is made where it is not there."""
    from feedsvc.config import load_settings, prepare_folders
    from feedsvc.store import open_store

    settings = load_settings(data=data, **overrides)
    prepare_folders(settings)
    with open_store(settings.database_url) as store:
        yield settings, store


@contextmanager
def progress_bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, and what moves it on; no bar where that is no terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=total or None)
        yield lambda amount: progress.advance(task, amount)


def new_table(*columns: str) -> Any:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def rendered(draw: Callable[[Console], None]) -> str:
    """What `draw` prints: coloured and as wide as the terminal, or plain and 120 columns wide where it is piped."""
    from rich.console import Console

    on_terminal = sys.stdout.isatty()
    paper = io.StringIO()
    width = None if on_terminal else int(os.environ.get("COLUMNS") or 120)
    draw(Console(file=paper, force_terminal=on_terminal, width=width, highlight=False, soft_wrap=False))
    return "".join(f"{line.rstrip()}\n" for line in paper.getvalue().splitlines())


def complain(sentence: str) -> None:
    click.echo(f"feedsvc: {sentence}", err=True)


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def mistake(error: Exception) -> str:
    what = f"{type(error).__name__}: {error}".removesuffix(": ")
    return f"{what}. This is a mistake in feedsvc; FEEDSVC_DEBUG=1 shows where."


def debugging() -> bool:
    return bool(os.environ.get("FEEDSVC_DEBUG"))
