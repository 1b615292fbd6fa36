"""The pages' texts: gathered, translated with the same places to fill, compiled."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po
from flask import Flask, render_template_string

from tests.architecture.tree import ROOT
from web.language import LANGUAGES, init_language

FOLDER = ROOT / "web" / "translations"
CATALOGUES = sorted(FOLDER.glob("*/LC_MESSAGES/messages.po"))
_PLACES = re.compile(r"%\(\w+\)s")


def list_translated(path: Path) -> list[Message]:
    with path.open("rb") as file:
        catalogue = read_po(file, locale=path.parts[-3])
    return [message for message in catalogue if message.id and any(message.string)]


def test_every_language_that_is_offered_has_a_catalogue() -> None:
    assert {path.parts[-3] for path in CATALOGUES} == LANGUAGES.keys() - {"en"}


def test_catalogues_hold_the_texts_of_the_sources_and_are_compiled() -> None:
    checked = subprocess.run(
        [sys.executable, ROOT / ".ci" / "messages", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, f"run `make messages`: {checked.stdout}{checked.stderr}"


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_a_translation_has_the_same_places_to_fill(path: Path) -> None:
    for message in list_translated(path):
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        wanted = set(_PLACES.findall(ids[-1]))
        for text in texts:
            found = set(_PLACES.findall(text))
            # None, one and two may be words; every other form needs what the English one has.
            assert found <= wanted, message.id
            assert len(texts) > 1 or found == wanted, message.id
        if len(texts) > 1:
            assert all(set(_PLACES.findall(text)) == wanted for text in texts[3:]), message.id


def test_the_words_of_tlp_and_stix_are_never_translated() -> None:
    for path in CATALOGUES:
        for message in list_translated(path):
            ids = message.id if isinstance(message.id, tuple) else (message.id,)
            for word in ("TLP:", "STIX", "TAXII", "JSON", "OpenAPI"):
                if word in ids[0]:
                    assert word in str(message.string), message.id


def test_arabic_covers_most_of_what_there_is() -> None:
    """Enough to work by, from the right to the left; what is missing is shown in English."""
    path = FOLDER / "ar" / "LC_MESSAGES" / "messages.po"
    with path.open("rb") as file:
        total = sum(1 for message in read_po(file, locale="ar") if message.id)
    assert len(list_translated(path)) * 2 > total


def test_each_reader_is_told_a_text_in_its_own_language_whoever_was_told_it_before() -> None:
    app = Flask(__name__)
    app.secret_key = "of a test"
    init_language(app)
    said = {}
    for language in ("en", "ar", "en", "ar"):
        with app.test_request_context(headers={"Accept-Language": language}):
            said.setdefault(language, set()).add(render_template_string("{{ _('Search') }}"))
    assert said["en"] == {"Search"}
    assert len(said["ar"]) == 1
    assert said["ar"] != said["en"]


def test_what_stands_in_a_text_is_escaped_and_the_text_is_not() -> None:
    app = Flask(__name__)
    app.secret_key = "of a test"
    init_language(app)
    with app.test_request_context():
        asked = "{{ _('<b>%(name)s</b> 100%%', name=name) }}{{ _('<i>100%%</i>') }}"
        told = render_template_string(asked, name="<script>")
    assert told == "<b>&lt;script&gt;</b> 100%<i>100%</i>"
