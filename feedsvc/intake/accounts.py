"""The password or token of a mail account, from where the settings say; it is asked for anew at each log-in."""

from __future__ import annotations

import os
import subprocess

from feedsvc.errors import SettingsError
from feedsvc.ways import ImapAccount

_COMMAND_S = 60.0


def secret_of(name: str, account: ImapAccount) -> str:
    """The password, or where `token_command` is set the access token. Raises SettingsError; never with the secret in it."""
    where = f"[imap.{name}]"
    if account.password_env is not None:
        found = os.environ.get(account.password_env, "")
        if not found:
            raise SettingsError(f"{where}: the variable {account.password_env} (password_env) is not set.")
        return found
    if account.password_file is not None:
        try:
            lines = account.password_file.expanduser().read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as failure:
            raise SettingsError(
                f"{where}: {account.password_file} (password_file) cannot be read: {failure}"
            ) from failure
        return _first_line(lines, f"{where}: {account.password_file} (password_file) is empty.")
    command = account.password_command or account.token_command
    assert command is not None
    setting = "password_command" if account.password_command else "token_command"
    try:
        # The person's own words, for the person's own shell, as in other mail programs.
        run = subprocess.run(
            command,
            shell=True,
            capture_output=True,
            text=True,
            timeout=_COMMAND_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as late:
        raise SettingsError(f"{where}: the {setting} did not end within {_COMMAND_S:g} seconds.") from late
    if run.returncode:
        said = run.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise SettingsError(f"{where}: the {setting} failed with status {run.returncode}: {said[0]}")
    return _first_line(run.stdout.splitlines(), f"{where}: the {setting} printed nothing.")


def _first_line(lines: list[str], otherwise: str) -> str:
    if not lines or not lines[0].strip():
        raise SettingsError(otherwise)
    return lines[0].strip("\r\n")
