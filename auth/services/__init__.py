"""Verbs that change auth's records. Each takes an open write connection and records itself.

What does not live here: what a change means for what is shared; the sharing room composes
these with it in one transaction.
"""

from auth.services.acting import (
    feed_reader,
    installation_reader,
    operator_reader,
    partner_reader,
    reader_of_person,
    seat_for_operator,
    secretariat_reader,
)
from auth.services.audit import OPERATOR, record_audit
from auth.services.credentials import (
    Issued,
    NewCredential,
    add_credential,
    revoke_credential,
    rotate_credential,
)
from auth.services.forums import add_forum, open_forum
from auth.services.members import (
    MemberChange,
    NewMember,
    add_member,
    lock_member,
    set_member,
    set_member_status,
)
from auth.services.persons import PersonsBody, add_person, disable_person
from auth.services.seats import (
    add_partner,
    add_seat,
    check_can_seat,
    set_partner_status,
    set_seat_status,
)
from auth.services.tokens import IssuedToken, issue_token, revoke_token

__all__ = [
    "OPERATOR",
    "Issued",
    "IssuedToken",
    "MemberChange",
    "NewCredential",
    "NewMember",
    "PersonsBody",
    "add_credential",
    "add_forum",
    "add_member",
    "add_partner",
    "add_person",
    "add_seat",
    "check_can_seat",
    "disable_person",
    "feed_reader",
    "installation_reader",
    "issue_token",
    "lock_member",
    "open_forum",
    "operator_reader",
    "partner_reader",
    "reader_of_person",
    "record_audit",
    "revoke_credential",
    "revoke_token",
    "rotate_credential",
    "seat_for_operator",
    "secretariat_reader",
    "set_member",
    "set_member_status",
    "set_partner_status",
    "set_seat_status",
]
