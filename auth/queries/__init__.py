"""Questions about forums, members, seats, persons and credentials. Nothing here writes."""

from auth.queries.credentials import (
    Credential,
    Recognised,
    find_by_credential,
    find_by_token,
    find_credential,
    list_credentials,
)
from auth.queries.forums import Forum, find_forum, find_forum_by_id, list_forums
from auth.queries.members import (
    Member,
    expect_member,
    find_member,
    list_identity_owners,
    list_members,
)
from auth.queries.persons import (
    Person,
    count_of_secretariat,
    find_person,
    find_person_behind,
    list_persons,
)
from auth.queries.seats import (
    RosterRow,
    find_partner,
    find_seated,
    list_roster,
    list_seated,
)

__all__ = [
    "Credential",
    "Forum",
    "Member",
    "Person",
    "Recognised",
    "RosterRow",
    "count_of_secretariat",
    "expect_member",
    "find_by_credential",
    "find_by_token",
    "find_credential",
    "find_forum",
    "find_forum_by_id",
    "find_member",
    "find_partner",
    "find_person",
    "find_person_behind",
    "find_seated",
    "list_credentials",
    "list_forums",
    "list_identity_owners",
    "list_members",
    "list_persons",
    "list_roster",
    "list_seated",
]
