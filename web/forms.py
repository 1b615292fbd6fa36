"""Forms: what a person filled in, checked field by field, and shown again with what is wrong.

A form is a marshmallow schema. Everything that was wrong is said at once, beside its field and
in a summary above the form. What does not live here: what is done with what was filled in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from flask import request
from flask_babel import gettext
from marshmallow import EXCLUDE, Schema, ValidationError

from kernel.errors import BadInput, ComityError, Conflict

# Of the page itself, in every form.
_NOT_FIELDS: Final = frozenset({"csrf_token"})


class FormSchema(Schema):
    """Fields of a form. What no field names is passed over: buttons have names too."""

    class Meta:
        """Other names are passed over."""

        unknown = EXCLUDE


def check_line(text: str) -> None:
    """Of a field that takes one line of text. Raises ValidationError."""
    if not text.strip() or not text.isprintable():
        raise ValidationError(gettext("Write one line of text."))


@dataclass(slots=True)
class Filled:
    """A form as it was filled in: texts as they came, values as checked, what is wrong.

    `errors` is by field; under `""` what is wrong with the whole.
    """

    texts: Mapping[str, list[str]]
    values: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)

    def text(self, name: str, default: str = "") -> str:
        """What stands in a field."""
        found = self.texts.get(name)
        return found[0] if found else default

    def all(self, name: str) -> list[str]:
        """What is chosen in a field that takes several."""
        return list(self.texts.get(name, ()))

    def blame(self, name: str, message: str) -> None:
        """Say that something is wrong with a field, or with the whole (`""`)."""
        self.errors.setdefault(name, []).append(message)

    def blame_error(self, error: ComityError, name: str = "") -> None:
        """Say what a service refused; other refusals than of form or state go on as they are."""
        if not isinstance(error, BadInput | Conflict):
            raise error
        self.blame(name, error.message)


def empty_form(**texts: str | list[str] | None) -> Filled:
    """A form with these texts in it, nothing checked yet."""
    return Filled(
        {
            name: value if isinstance(value, list) else [value]
            for name, value in texts.items()
            if value is not None
        }
    )


def read_form(schema: type[FormSchema]) -> Filled:
    """What was sent, checked. How much may be was looked at by the door."""
    sent = request.form
    filled = Filled({name: sent.getlist(name) for name in sent if name not in _NOT_FIELDS})
    fields = schema()
    given: dict[str, Any] = {}
    for name, one in fields.fields.items():
        values = [value for value in sent.getlist(name) if value != ""]
        if one.metadata.get("several"):
            given[name] = values
        elif values:
            given[name] = values[0]
    for name, value in given.items():
        if "\0" in str(value):
            filled.blame(name, "there is a character here that no text may hold (NUL)")
    if filled.errors:
        return filled
    try:
        filled.values = fields.load(given)
    except ValidationError as fault:
        for name, messages in fault.messages_dict.items():
            for message in messages if isinstance(messages, list) else [str(messages)]:
                filled.blame("" if name == "_schema" else name, message)
    return filled
