"""The words of the pages, ready for translation.

Templates and code mark their words for gettext. A catalogue lies in `locale/LANGUAGE/LC_MESSAGES/feedsvc.mo`; the
process's own language (LANGUAGE, LC_ALL, LC_MESSAGES, LANG) chooses one, and without one the words stay English.
"""

from __future__ import annotations

import gettext as _gettext
from importlib.resources import files
from typing import Final

from jinja2 import Environment

TRANSLATIONS: Final = _gettext.translation("feedsvc", str(files("feedsvc.web").joinpath("locale")), fallback=True)
gettext: Final = TRANSLATIONS.gettext
ngettext: Final = TRANSLATIONS.ngettext


def install(environment: Environment) -> None:
    """Give templates `_`, `ngettext` and `{% trans %}`; what is put into words with `%(name)s` is escaped."""
    environment.add_extension("jinja2.ext.i18n")
    environment.policies["ext.i18n.trimmed"] = True
    environment.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
