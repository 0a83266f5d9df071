"""The person's own rules for single newsletters: rules.toml in the data folder."""

from __future__ import annotations

from pathlib import Path

from feedsvc.errors import SettingsError
from feedsvc.model import Rule
from feedsvc.split import parse_rules

RULES_NAME = "rules.toml"


def read_rules(data: Path) -> tuple[Rule, ...]:
    """The rules in the data folder, in the order of the file; none where there is no such file.

    Raises SettingsError that names the file, the rule and what is wrong with it.
    """
    path = data / RULES_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    return parse_rules(text, str(path))
