"""The language of a page: what the reader has chosen, else what the browser asks for.

Texts are in English in the sources; `web/translations` holds them in other languages. Official
words (TLP, STIX, document symbols) are never translated.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from flask import Flask, has_request_context, request, session
from flask_babel import Babel, get_locale

LANGUAGES: Final = {"en": "English", "ar": "العربية"}
FOLDER: Final = Path(__file__).parent / "translations"
_CHOSEN: Final = "language"


def init_language(app: Flask) -> None:
    """Let templates of `app` speak (`_`, `ngettext`), and know their language and direction."""
    Babel(
        app,
        locale_selector=_select_language,
        default_translation_directories=str(FOLDER),
        default_timezone="UTC",
    )
    app.context_processor(_words)


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
