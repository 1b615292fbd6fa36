"""The language of a page: what the reader has chosen, else what the browser asks for.

Texts are in English in the sources; `web/translations` holds them in other languages. Official
words (TLP, STIX, document symbols) are never translated.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from flask import Flask, has_request_context, request, session
from flask_babel import Babel, get_locale, get_translations
from markupsafe import Markup

LANGUAGES: Final = {"en": "English", "ar": "العربية"}
FOLDER: Final = Path(__file__).parent / "translations"
_CHOSEN: Final = "language"
_MOST_KEPT: Final = 4096


def init_language(app: Flask) -> None:
    """Let templates of `app` speak (`_`, `ngettext`), and know their language and direction."""
    Babel(
        app,
        locale_selector=_select_language,
        default_translation_directories=str(FOLDER),
        default_timezone="UTC",
    )
    # A page says a hundred texts, and Flask-Babel looks for its language anew for each.
    app.jinja_env.globals.update(_=say, gettext=say)
    app.context_processor(_words)


def say(text: str, **values: Any) -> Markup:  # noqa: ANN401 - whatever stands in the text
    """A text of a template in the reader's language; what stands in it is escaped."""
    locale = get_locale()
    if values or locale is None:
        return _translate(text) % values
    return _say_in(locale.language, text)


@lru_cache(maxsize=_MOST_KEPT)
def _say_in(language: str, text: str) -> Markup:
    """The same of a text in which nothing stands, kept: `language` is the reader's now."""
    del language
    return _translate(text) % {}


def _translate(text: str) -> Markup:
    return Markup(get_translations().ugettext(text))  # noqa: S704 - of our own catalogues


def choose_language(name: str) -> None:
    """Keep the reader's choice; an unknown language is passed over."""
    if name in LANGUAGES:
        session[_CHOSEN] = name


def forget_forms() -> None:
    """Make void whatever this browser keeps for its forms; the language stays chosen."""
    chosen = session.get(_CHOSEN)
    session.clear()
    choose_language(str(chosen))


def _select_language() -> str:
    if not has_request_context():
        return "en"
    chosen = session.get(_CHOSEN)
    if chosen in LANGUAGES:
        return str(chosen)
    return request.accept_languages.best_match(list(LANGUAGES), "en") or "en"


def _words() -> dict[str, Any]:
    locale = get_locale()
    return {
        "language": locale.language if locale else "en",
        "direction": locale.text_direction if locale else "ltr",
        "languages": LANGUAGES,
    }
