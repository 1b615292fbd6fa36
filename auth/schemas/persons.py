"""A person of a member as its administrator sees it."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from auth.queries.persons import Person
from auth.rules import MEMBER_PERSON_ROLES
from web.listing import Key, ListQuery
from web.shapes import Shape, text, word, word_filter, words

STATUSES: Final = ("active", "disabled")


class PersonSchema(Shape):
    """A person who acts for the member."""

    EXAMPLE: ClassVar = {
        "email": "officer@xaa.example",
        "roles": ["policy-officer"],
        "status": "active",
    }
    email = text()
    roles = words(*MEMBER_PERSON_ROLES)
    status = word(*STATUSES)


class PersonQuery(ListQuery):
    """Which people to list."""

    role = word_filter(*MEMBER_PERSON_ROLES)
    status = word_filter(*STATUSES)


def is_wanted_person(found: Person, query: dict[str, Any]) -> bool:
    """Whether the filters of a `PersonQuery` let it through."""
    return (query["role"] is None or query["role"] in found.roles) and query["status"] in (
        None,
        found.status,
    )


def key_of_person(found: Person) -> Key:
    """Its place in a list: by address."""
    return (found.email,)


def person_row(found: Person) -> dict[str, Any]:
    """The row of a list that `PersonSchema` describes."""
    return {"email": found.email, "roles": sorted(found.roles), "status": found.status}
