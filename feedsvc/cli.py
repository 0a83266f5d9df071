"""The command line. Commands import what they need when they run, so that `feedsvc --help` answers at once."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from feedsvc import __version__
from feedsvc.errors import FeedsvcError, MessageError
from feedsvc.mail_cli import addresses, fetch, newsletters, status, take_from_stdin
from feedsvc.terminal import (
    Commands,
    complain,
    counted,
    data_option,
    debugging,
    mistake,
    new_table,
    open_data,
    progress_bar,
    rendered,
)

if TYPE_CHECKING:
    from rich.console import Console

    from feedsvc.config import Settings
    from feedsvc.intake.outcome import IngestReport, Outcome, Status
    from feedsvc.model import Issue

STDIN = "-"


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="feedsvc", message="%(prog)s %(version)s")
def main() -> None:
    """Turn e-mail newsletters into a feed with one entry for each article.

    \b
    Start here:
      feedsvc serve                    # then drop .eml files into data/inbox
      feedsvc convert issue.eml        # print one message as a feed

    Settings come from options, from FEEDSVC_* in the environment, and from feedsvc.toml in the data folder.
    """


@main.command()
@data_option
@click.option("--host", help="The address to serve on; 0.0.0.0 for all of this machine's.  [default: 127.0.0.1]")
@click.option(
    "--port", type=click.IntRange(0, 65535), help="The port to serve on; 0 takes any free one.  [default: 8080]"
)
@click.option(
    "--allow-public", is_flag=True, default=None, help="Serve to other machines even where no access_token is set."
)
@click.option(
    "--smtp", metavar="HOST:PORT", help="Take mail for secret addresses by SMTP here.  [default: the setting]"
)
@click.option("--lmtp", metavar="HOST:PORT", help="Take mail from a mail server by LMTP here.  [default: the setting]")
def serve(
    data: Path | None,
    host: str | None,
    port: int | None,
    allow_public: bool | None,
    smtp: str | None,
    lmtp: str | None,
) -> None:
    """Watch the inbox and serve the feed, until Ctrl-C or SIGTERM.

    \b
    Examples:
      feedsvc serve
      feedsvc serve --data ~/newsletters --port 9000
    """
    from feedsvc.config import load_settings
    from feedsvc.serve import log_to
    from feedsvc.serve import serve as serve_until_ended

    log_to(sys.stderr, tracebacks=debugging())

    def announce(settings: Settings) -> None:
        click.echo(f"feedsvc {__version__} is running; Ctrl-C ends it.")
        click.echo(f"  Drop newsletters into   {settings.inbox}")
        click.echo(f"  Subscribe to the feed   {settings.public_url}/feed.xml")
        click.echo(f"  Look at the articles    {settings.public_url}/")

    serve_until_ended(
        load_settings(data=data, host=host, port=port, allow_public=allow_public, smtp=smtp, lmtp=lmtp), announce
    )


@main.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--format",
    "form",
    type=click.Choice(["atom", "rss", "json", "articles", "text"]),
    default="atom",
    show_default=True,
    help="A feed (atom, rss, json), one JSON object for each message (articles), or a table for people (text).",
)
@click.option("--explain", is_flag=True, help="Show for every block how it was read, and why, in place of a feed.")
def convert(files: tuple[str, ...], form: str, explain: bool) -> None:
    """Print messages as a feed, as JSON lines, or as a table; nothing is stored.

    FILE is an .eml or .mbox, or a saved .html, .txt or .md body; - reads one message from standard input.
    Exit status 1 tells that at least one message could not be read.

    \b
    Examples:
      feedsvc convert issue.eml > feed.xml
      feedsvc convert --format articles *.eml | jq -r '.articles[].title'
      feedsvc convert --format text - < issue.eml
      feedsvc convert --explain issue.eml | less
    """
    from feedsvc.publish.issue_json import error_record, issue_record, json_line

    out = sys.stdout.buffer
    issues: list[Issue] = []
    failed = False
    for name, issue in _converted(files):
        if isinstance(issue, FeedsvcError):
            failed = True
            complain(f"{name}: {issue.detail}")
        if explain:
            if not isinstance(issue, FeedsvcError):
                out.write(_explained(issue).encode("utf-8"))
        elif form == "articles":
            out.write(json_line(error_record(issue) if isinstance(issue, FeedsvcError) else issue_record(issue)))
        elif form == "text":
            if not isinstance(issue, FeedsvcError):
                out.write(_table_of_articles(issue).encode("utf-8"))
        elif not isinstance(issue, FeedsvcError):
            issues.append(issue)
    if issues:
        out.write(_feed_document(issues, form))
    out.flush()
    sys.exit(1 if failed else 0)


def _converted(files: tuple[str, ...]) -> Iterator[tuple[str, Issue | FeedsvcError]]:
    """Each message of each file, converted, or the reason why not, in the order of the files."""
    from feedsvc.convert import convert as convert_message

    for file in files:
        empty = True
        for found in _messages_in(file):
            empty = False
            if isinstance(found, FeedsvcError):
                yield file, found
                continue
            data, filename, received = found
            try:
                yield file, convert_message(data, received=received, filename=filename)
            except MessageError as error:
                yield file, error
            except Exception as error:
                if debugging():
                    raise
                yield file, FeedsvcError(mistake(error), code="internal")  # the other messages are not held up
        if empty:
            yield file, FeedsvcError("holds no message: not an .eml, .mbox, .html, .txt or .md file", code="no-message")


def _messages_in(file: str) -> Iterator[tuple[bytes, str | None, datetime] | FeedsvcError]:
    """The bytes of each message, its name, and when it came in (a file's own time); or why the file cannot be read."""
    from feedsvc.intake.files import iter_messages

    if file == STDIN:
        yield sys.stdin.buffer.read(), None, datetime.now(UTC)
        return
    path = Path(file)
    try:
        received = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        yield from ((data, filename, received) for data, filename in iter_messages(path))
    except OSError as failure:
        yield FeedsvcError(f"cannot be read: {failure.strerror or failure}", code="no-file")


def _feed_document(issues: list[Issue], form: str) -> bytes:
    from feedsvc.publish import atom, entries_of, feed_of, json_feed, rss

    names = {issue.newsletter.key: issue.newsletter.name for issue in issues}
    newest_first = sorted(issues, key=lambda issue: issue.sent, reverse=True)
    feed = feed_of(
        (entry for issue in newest_first for entry in entries_of(issue)),
        title=next(iter(names.values())) if len(names) == 1 else "Newsletters",
        name=f"newsletter:{next(iter(names))}" if len(names) == 1 else "all",
    )
    document = {"atom": atom, "rss": rss, "json": json_feed}[form](feed)
    return document if document.endswith(b"\n") else document + b"\n"


def _table_of_articles(issue: Issue) -> str:
    from rich.text import Text

    from feedsvc.links import site_name
    from feedsvc.publish import read_time

    def cells(console: Console) -> None:
        console.print(Text(f"{issue.newsletter.name}: {issue.subject} ({issue.sent:%d %B %Y})", style="bold"))
        shown = new_table("Title", "Read", "Section", "Site", "Kind")
        for article in issue.articles:
            site = Text(
                site_name(article.url) if article.url else "", style=f"link {article.url}" if article.url else ""
            )
            read = read_time(article.read_minutes, article.read_source).removesuffix(" read")
            shown.add_row(Text(article.title), Text(read), Text(article.section or ""), site, Text(article.kind))
        console.print(shown)

    return rendered(cells)


def _explained(issue: Issue) -> str:
    from feedsvc.explain import explain

    return rendered(lambda console: explain(issue, console))


@main.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@data_option
def ingest(paths: tuple[Path, ...], data: Path | None) -> None:
    """Take in messages from files and folders at once; a server that runs on the same data folder shows them.

    PATH is an .eml or .mbox, a saved .html, .txt or .md body, a .zip or .tar.gz of such, a Maildir or a folder. The files
    stay where they are. Run it again after an interruption: what is in already is passed over. Exit status 1 tells that
    at least one message was rejected; each is named with its reason.

    - takes one message from standard input, for procmail, maildrop and mail servers: quietly, with the exit statuses of
    sysexits.h (75 asks to try again).

    \b
    Examples:
      feedsvc ingest ~/Mail/newsletters
      feedsvc ingest --data /var/lib/feedsvc issue.eml archive.mbox takeout.zip
      feedsvc ingest --data /var/lib/feedsvc - < issue.eml
    """
    if paths == (Path(STDIN),):
        sys.exit(take_from_stdin(data))
    from feedsvc.ingest import ingest_paths
    from feedsvc.intake.files import find_files, unfolded_bytes

    with open_data(data) as (settings, store):
        size = sum(unfolded_bytes(file) for file in find_files(paths))
        with progress_bar("Taking in", size) as advance:
            report = ingest_paths(paths, settings, store, lambda outcome: advance(outcome.size))
    named = set(paths)
    skipped = [outcome for outcome in report.outcomes if outcome.status == "skipped" and outcome.path in named]
    new = f"{counted(report.count('new'), 'new message')} ({counted(report.articles, 'article')})"
    _finish(report, [new, counted(report.count("duplicate"), "duplicate")], ["updated", "skipped"], refused=skipped)


@main.command()
@data_option
def reprocess(data: Path | None) -> None:
    """Convert the whole archive again, as after an update of feedsvc; entries keep their ids.

    A lost database is made anew by this. A message that cannot be converted any more keeps the articles that it has,
    is named with the reason, and makes the exit status 1.

    \b
    Example:
      feedsvc reprocess --data ~/newsletters
    """
    from feedsvc.reprocess import reprocess as convert_again

    with open_data(data) as (settings, store), progress_bar("Converting again", store.counts().messages) as advance:
        report = convert_again(settings, store, lambda outcome: advance(1))
    _finish(report, [f"{report.count('updated')} updated", f"{report.count('duplicate')} unchanged"], ["new"])


@main.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@data_option
@click.option("--base-url", metavar="URL", help="The address at which the copy will stand.  [default: the setting]")
def export(folder: Path, data: Path | None, base_url: str | None) -> None:
    """Write feeds and pages as files, which any web server can hold; only what changed is written again.

    The copy is open to whoever can reach it there: access_token does not go with it.

    \b
    Example:
      feedsvc export --base-url https://news.example.org /var/www/news
    """
    from feedsvc.web.export import export as write_copy

    with open_data(data, base_url=base_url) as (settings, store), progress_bar("Writing", 0) as advance:
        report = write_copy(settings, store, folder, lambda files: advance(1))
    click.echo(f"{counted(report.files, 'file')}, {report.written} written, {report.removed} removed")


@main.group(cls=Commands)
def tokens() -> None:
    """Let a reader open one feed and nothing else, with a token in the feed's address.

    \b
    Examples:
      feedsvc tokens add --name phone "/feed.xml?min_minutes=5"
      feedsvc tokens list
      feedsvc tokens revoke 1f2e3d4c
    """


@tokens.command("add")
@click.argument("feed", metavar="FEED")
@data_option
@click.option("--name", default="", help="What the token is for, as `feedsvc tokens list` shows it.")
def add_token(feed: str, data: Path | None, name: str) -> None:
    """Make a token for one feed, and print the address that carries it; it is not shown again.

    FEED is the feed's address, or its path.

    \b
    Example:
      feedsvc tokens add --name phone /newsletters/tldr-ai/feed.xml
    """
    from urllib.parse import urlsplit

    from feedsvc.errors import SettingsError
    from feedsvc.web.feeds import feed_name

    with open_data(data) as (settings, store):
        parts = urlsplit(feed)
        root = urlsplit(settings.public_url).path
        path = parts.path.removeprefix(root) if parts.netloc else parts.path
        wanted = feed_name(f"/{path.lstrip('/')}", parts.query)
        if wanted is None:
            raise SettingsError(
                f"{feed} is no feed. A feed is /feed.xml, /feed.rss, /feed.json, or the same below /newsletters/NAME, "
                'perhaps with a query: "/feed.xml?section=Tools".'
            )
        row, token = store.add_token(wanted, " ".join(name.split())[:100])
        if settings.access_token is None:
            complain("no access_token is set: the feeds are open, and the token makes no difference yet")
        click.echo(f"{settings.public_url}{wanted}{'&' if '?' in wanted else '?'}token={token}")
        complain(f"`feedsvc tokens revoke {row.id}` takes it back")


@tokens.command("list")
@data_option
def list_tokens(data: Path | None) -> None:
    """List the tokens, with what each opens; the tokens themselves are kept nowhere.

    \b
    Example:
      feedsvc tokens list
    """
    from rich.text import Text

    with open_data(data) as (_, store):
        rows = store.tokens()

    def cells(console: Console) -> None:
        if not rows:
            console.print(Text("No tokens. Make one: feedsvc tokens add /feed.xml"))
            return
        shown = new_table("Id", "Name", "Made", "Opens")
        for row in rows:
            shown.add_row(Text(row.id), Text(row.name), f"{row.created:%Y-%m-%d}", Text(row.feed))
        console.print(shown)

    sys.stdout.buffer.write(rendered(cells).encode("utf-8"))


@tokens.command("revoke")
@click.argument("token_id", metavar="ID")
@data_option
def revoke_token(token_id: str, data: Path | None) -> None:
    """Make a token open nothing from now on; ID is what `feedsvc tokens list` shows.

    \b
    Example:
      feedsvc tokens revoke 1f2e3d4c
    """
    from feedsvc.errors import SettingsError

    with open_data(data) as (_, store):
        if not store.revoke_token(token_id):
            raise SettingsError(f"there is no token {token_id}. `feedsvc tokens list` shows them.")
    click.echo(f"{token_id} opens nothing any more")


def _finish(
    report: IngestReport, counts: list[str], rare: Sequence[Status], refused: Sequence[Outcome] = ()
) -> NoReturn:
    """Name what was not taken in, with its reason; print the counts, rare ones where they are not 0; exit 1 or 0."""
    refused = [*refused, *(outcome for outcome in report.outcomes if outcome.status in ("rejected", "failed"))]
    for outcome in refused:
        complain(f"{outcome.status}: {outcome.path or outcome.name}: {outcome.detail}")
    rare_counts = [f"{report.count(status)} {status}" for status in (*rare, "failed") if report.count(status)]
    click.echo(", ".join([*counts, f"{report.count('rejected')} rejected", *rare_counts]))
    sys.exit(1 if refused else 0)


for _command in (newsletters, addresses, status, fetch):
    main.add_command(_command)
