"""Rules for single newsletters (rules.toml): read, checked, and found for a newsletter. Used where evidence cannot decide."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any

from feedsvc.errors import SettingsError
from feedsvc.model import Newsletter, Rule

KEYS = frozenset({"newsletter", "reason", "whole", "not_article", "sponsor"})
NO_RULE = Rule("", "")


def parse_rules(text: str, source: str) -> tuple[Rule, ...]:
    """The rules of a TOML text; `source` names it in errors. Raises SettingsError that says which rule is wrong and how."""
    try:
        rows = tomllib.loads(text).get("rule", [])
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{source} is no valid TOML: {error}") from error
    if not isinstance(rows, list):
        raise SettingsError(f"{source}: write each rule under a heading of its own, [[rule]]")
    return tuple(_rule(row, number, source) for number, row in enumerate(rows, 1))


def _rule(row: dict[str, Any], number: int, source: str) -> Rule:
    where = f"{source}, rule {number}"
    if unknown := sorted(set(row) - KEYS):
        raise SettingsError(f"{where}: unknown key {unknown[0]!r}; a rule has {', '.join(sorted(KEYS))}")
    for key in ("newsletter", "reason"):
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise SettingsError(
                f"{where}: {key} is missing; say {'which newsletter it is for' if key == 'newsletter' else 'why it is needed'}"
            )
    patterns: dict[str, tuple[str, ...]] = {}
    for key in ("not_article", "sponsor"):
        value = row.get(key, [])
        if not isinstance(value, list) or not all(isinstance(p, str) for p in value):
            raise SettingsError(f"{where}: {key} is a list of regular expressions in quotation marks")
        for pattern in value:
            try:
                re.compile(pattern)
            except re.error as error:
                raise SettingsError(
                    f"{where}: {key} holds {pattern!r}, which is no regular expression: {error}"
                ) from error
        patterns[key] = tuple(value)
    if not isinstance(row.get("whole", False), bool):
        raise SettingsError(f"{where}: whole is true or false")
    return Rule(row["newsletter"].strip().casefold(), row["reason"], row.get("whole", False), **patterns)


@cache
def built_in_rules() -> tuple[Rule, ...]:
    """The rules that come with feedsvc."""
    return parse_rules(files("feedsvc.split").joinpath("rules.toml").read_text(encoding="utf-8"), "split/rules.toml")


def rule_for(newsletter: Newsletter, own: Iterable[Rule]) -> Rule:
    """The rule for a newsletter: the user's own before a built-in one; a rule that says nothing where there is none."""
    names = {n.casefold() for n in (newsletter.key, newsletter.list_id, newsletter.address) if n}
    rules = (*own, *built_in_rules())
    return next(
        (rule for rule in rules if any(fnmatchcase(name, rule.newsletter.casefold()) for name in names)), NO_RULE
    )
