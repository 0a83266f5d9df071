"""Rules for single newsletters (rules.toml): read, checked, and found for a newsletter. Used where evidence cannot decide."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Any, get_args

from feedsvc.errors import SettingsError
from feedsvc.model import Correction, Newsletter, Rule, Scope, Verdict

KEYS = frozenset({"newsletter", "reason", "whole", "not_article", "sponsor", "corrections"})
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
SCOPES: tuple[Scope, ...] = get_args(Scope)
NO_RULE = Rule("", "")
EXAMPLE = '{ section = "Quick Links", verdict = "sponsor" }'


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
    given = row.get("corrections", [])
    if not isinstance(given, list):
        raise SettingsError(f"{where}: corrections is a list, such as {EXAMPLE}")
    corrections = tuple(_correction(one, where) for one in given)
    return Rule(
        row["newsletter"].strip().casefold(),
        row["reason"],
        row.get("whole", False),
        corrections=corrections,
        **patterns,
    )


def _correction(row: Any, where: str) -> Correction:
    scopes = [scope for scope in SCOPES if isinstance(row, dict) and scope in row]
    if len(scopes) != 1 or set(row) != {scopes[0], "verdict"}:
        raise SettingsError(
            f"{where}: each of the corrections names one of {', '.join(SCOPES)}, and a verdict, such as {EXAMPLE}"
        )
    if row["verdict"] not in VERDICTS:
        raise SettingsError(f"{where}: a verdict is one of {', '.join(VERDICTS)}")
    value = row[scopes[0]]
    if not isinstance(value, str) or not value.strip():
        raise SettingsError(f"{where}: {scopes[0]} in corrections is a text in quotation marks")
    return Correction(row["verdict"], scopes[0], value)


def write_rules(rules: Iterable[Rule]) -> str:
    """The rules as TOML that `parse_rules` reads as the same rules."""
    return "\n".join(map(_written, rules))


def _written(rule: Rule) -> str:
    lines = ["[[rule]]", f"newsletter = {_quoted(rule.newsletter)}", f"reason = {_quoted(rule.reason)}"]
    if rule.whole:
        lines.append("whole = true")
    for key, patterns in (("not_article", rule.not_article), ("sponsor", rule.sponsor)):
        if patterns:
            lines.append(f"{key} = [{', '.join(map(_quoted, patterns))}]")
    if rule.corrections:
        rows = (f"  {{ {c.scope} = {_quoted(c.value)}, verdict = {_quoted(c.verdict)} }}," for c in rule.corrections)
        lines += ["corrections = [", *rows, "]"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    # JSON's strings are TOML's basic strings but for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


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
