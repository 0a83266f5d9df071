"""The words of the pages, ready for translation.

Templates and code mark their words for gettext. A catalogue lies in `locale/LANGUAGE/LC_MESSAGES/feedsvc.mo`; the
process's own language (LANGUAGE, LC_ALL, LC_MESSAGES, LANG) chooses one, and without one the words stay English.
"""

from __future__ import annotations

import gettext as _gettext
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.resources import files
from typing import Final

from jinja2 import Environment

_OF_PROCESS: Final = _gettext.translation("feedsvc", str(files("feedsvc.web").joinpath("locale")), fallback=True)
_spoken: ContextVar[_gettext.NullTranslations] = ContextVar("spoken", default=_OF_PROCESS)


def gettext(message: str) -> str:
    """The message in the language that is spoken."""
    return _spoken.get().gettext(message)


def ngettext(singular: str, plural: str, number: int) -> str:
    """The message for this number in the language that is spoken."""
    return _spoken.get().ngettext(singular, plural, number)


@contextmanager
def speaking(translations: _gettext.NullTranslations) -> Iterator[None]:
    """Within, in this thread, the words are those of another catalogue."""
    before = _spoken.set(translations)
    try:
        yield
    finally:
        _spoken.reset(before)


def install(environment: Environment) -> None:
    """Give templates `_`, `ngettext` and `{% trans %}`; what is put into words with `%(name)s` is escaped."""
    environment.add_extension("jinja2.ext.i18n")
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
