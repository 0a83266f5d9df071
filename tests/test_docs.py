"""The documentation cannot drift: what the program has, the README names; what CI runs, the README says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from feedsvc import __version__
from feedsvc.cli import main
from feedsvc.config import Settings

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
RUN_LINE = "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/feedsvc serve"


def shell_blocks(text: str) -> list[str]:
    return [block.strip() for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)]


def commands() -> list[tuple[str, click.Command]]:
    return sorted(main.commands.items())


def options() -> Iterator[tuple[str, str]]:
    for name, command in commands():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                yield from ((name, option) for option in parameter.opts if option.startswith("--"))


def row_of(first_cell: str) -> str:
    """The row of a README table whose first cell begins so, or nothing."""
    found = re.search(rf"^\| {re.escape(first_cell)}.*$", README, re.MULTILINE)
    return found.group() if found else ""


def test_the_two_commands_lead_the_readme() -> None:
    first, second = shell_blocks(README)[:2]
    assert first == RUN_LINE
    assert second.endswith("&& .ci/check")
    assert README.index(second) < README.index("\n## ")


def test_ci_runs_the_line_that_the_readme_gives() -> None:
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines[-1] == shell_blocks(README)[1]


def test_what_the_readme_links_to_is_there_and_small() -> None:
    linked = re.findall(r"\]\((?!https?:|#)([^)]+)\)", README)
    assert any(name.endswith(".png") for name in linked)
    for name in linked:
        assert (ROOT / name).stat().st_size < 200_000, name
    headings = {
        re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in README.splitlines()
        if line.startswith("#")
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", README)) <= headings


@pytest.mark.parametrize("name", ["run", "check"])
def test_ci_scripts_can_be_run(name: str) -> None:
    assert (ROOT / ".ci" / name).stat().st_mode & 0o111 == 0o111


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_readme_names_the_command(name: str) -> None:
    assert row_of(f"`feedsvc {name} "), f"README's table of commands lacks {name}"


@pytest.mark.parametrize(("command", "option"), list(options()))
def test_readme_names_the_option(command: str, option: str) -> None:
    row = row_of(f"`feedsvc {command} ")
    assert re.search(rf"\[{option}[ \]]", row), f"README does not name {option} of {command}"  # a flag takes no value


def test_readme_names_no_option_that_is_not_there() -> None:
    for name, command in commands():
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", row_of(f"`feedsvc {name} ").split(" | ")[0])) <= known


@pytest.mark.parametrize("form", ["atom", "rss", "json", "articles", "text"])
def test_readme_names_the_format(form: str) -> None:
    assert f"`{form}`" in row_of("`feedsvc convert ")


@pytest.mark.parametrize("key", sorted(Settings.model_fields))
def test_readme_names_the_setting_and_its_default(key: str) -> None:
    row = row_of("(not in the file)" if key == "data" else f"`{key}` ")
    assert f"| `FEEDSVC_{key.upper()}` |" in row
    default = Settings.model_fields[key].default
    if default is not None:
        shown = str(default).lower() if isinstance(default, bool) else default  # as TOML writes it
        assert f"| `{shown}` |" in row


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_help_shows_an_example(name: str) -> None:
    command = main.commands[name]
    assert re.search(rf"Examples?:\n\s+feedsvc {name}\b", command.help or "")
    for parameter in command.params:
        assert isinstance(parameter, click.Argument) or getattr(parameter, "help", None), (
            f"{parameter.name} has no help"
        )


def test_readme_shows_what_the_program_prints() -> None:
    """The example in the README is the program's own output, line for line."""
    from click.testing import CliRunner

    shown = re.search(r"```console\n\$ feedsvc (.*?)\n(.*?)```", README, re.DOTALL)
    assert shown
    arguments = [str(ROOT / word) if word.startswith("fixtures/") else word for word in shown.group(1).split()]
    result = CliRunner().invoke(main, arguments, env={"COLUMNS": "120"})
    assert result.exit_code == 0
    printed = "\n".join(line.rstrip() for line in result.stdout.strip().splitlines())
    assert shown.group(2).strip() == printed


def test_changelog_has_the_current_version_and_what_comes_next() -> None:
    headings = re.findall(r"^## \[(.+?)\]", CHANGELOG, re.MULTILINE)
    assert headings[:2] == ["Unreleased", __version__]


def test_readme_links_to_files_that_are_there() -> None:
    for name in re.findall(r"`((?:fixtures|tests|\.ci)/[\w./-]+)`", README):
        if not name.endswith("/"):
            assert (ROOT / name).exists(), name
