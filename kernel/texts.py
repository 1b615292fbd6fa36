"""Texts that are kept in English and shown on pages in the reader's language.

What does not live here: translating them (web/language), gathering them (.ci/messages).
"""

from __future__ import annotations


def gettext_noop(text: str) -> str:
    """The text itself, marked as one that the catalogues of the pages translate."""
    return text
