"""The words of the register: what a datum's source, confidence, kind and status may be called.

From `norms/domain` sections 1 and 3: UN Treaty Collection glossary, VCLT, and ours.
"""

from __future__ import annotations

from typing import Final

SOURCE_CLASSES: Final = (
    "self-reported",
    "self-reported+evidence",
    "secretariat-recorded",
    "peer-reviewed",
    "third-party-observed",
    "derived",
)
CONFIDENCES: Final = ("certain", "checked", "likely", "unconfirmed")
VERIFIED: Final = frozenset({"certain", "checked"})
"""Confidences that need no person's confirmation."""

PARTY_KINDS: Final = ("state", "un-observer-state", "reio", "io", "other")
REIO: Final = "reio"
STANDINGS: Final = ("member", "observer", "not-participating", "suspended", "disputed")
BELONGING: Final = frozenset({"member"})
"""Standings in a forum by which its decisions are adopted and bind."""

LINK_KINDS: Final = (
    "elaborates",
    "restates",
    "implements",
    "narrows",
    "supersedes",
    "related-editorial",
)
POLARITIES: Final = ("restraint", "positive-duty", "process")
TEXT_STANDINGS: Final = ("authentic", "official", "working", "unofficial-translation")

# Events that bind.
ADOPTION: Final = "adoption"
COMMITMENT: Final = "commitment"
CONSENTS: Final[dict[str, str]] = {
    "signature-definitive": "s",
    "ratification": "",
    "acceptance": "A",
    "approval": "AA",
    "accession": "a",
    "succession": "d",
    "formal-confirmation": "c",
}
"""Consents to be bound, each with its letter in the columns of the UN Treaty Collection."""
SIGNATURES: Final = frozenset({"signature-simple", "signature-ad-referendum"})
INVITATION: Final = "invitation-to-accede"
PROVISIONAL: Final = "provisional-application"

# Events that qualify, suspend or end.
QUALIFYING: Final = frozenset(
    {"reservation", "interpretative-declaration", "explanation-of-position"}
)
RESERVATION: Final = "reservation"
UNQUALIFYING: Final = frozenset({"withdrawal-of-reservation", "withdrawal-of-declaration"})
WITHDRAWN_OBJECTION: Final = "withdrawal-of-objection"
OBJECTIONS: Final = frozenset({"objection", "objection-precluding-entry-into-force"})
TREATY_ENDS: Final = frozenset({"withdrawal", "denunciation"})
WITHDRAWALS: Final = TREATY_ENDS | {"commitment-withdrawal"}
DISSOCIATION: Final = "dissociation"
SUSPENSIONS: Final = frozenset({"suspension", "commitment-suspension"})
RESUMPTIONS: Final = frozenset({"resumption", "commitment-resumption"})
SUPERSESSION: Final = "supersession"
TERMINATION: Final = "termination"
CONTEST: Final = "contest"
CONTEST_WITHDRAWAL: Final = "contest-withdrawal"
ANNULMENT: Final = "annulment"
ENTRY_INTO_FORCE: Final = "entry-into-force"

RECORDED_ONLY: Final = frozenset(
    {
        "authentication",
        "opened-for-signature",
        "declaration-under-treaty",
        "communication",
        WITHDRAWN_OBJECTION,
        "territorial-application",
        "designation-of-authority",
        "rectification",
        "amendment-acceptance",
        PROVISIONAL,
    }
)
"""Events that are on record and change no status."""

EVENT_KINDS: Final = frozenset(
    {
        ADOPTION,
        COMMITMENT,
        *CONSENTS,
        *SIGNATURES,
        INVITATION,
        *QUALIFYING,
        *UNQUALIFYING,
        *OBJECTIONS,
        *WITHDRAWALS,
        DISSOCIATION,
        *SUSPENSIONS,
        *RESUMPTIONS,
        SUPERSESSION,
        TERMINATION,
        CONTEST,
        CONTEST_WITHDRAWAL,
        ANNULMENT,
        ENTRY_INTO_FORCE,
        *RECORDED_ONLY,
    }
)
ADOPTION_BASES: Final = ("consensus-adoption", "endorsement", "vote-for", "sponsor")
COMMITMENT_BASES: Final = (
    *ADOPTION_BASES,
    "unilateral-declaration",
    "membership-on-accession-of-forum",
    "supporter",
    "memorandum-of-understanding",
)
NO_STATEMENT: Final = "no-statement"
"""What is said of a party that has said nothing. Never that it does not comply."""

IN_EFFECT: Final = frozenset({"in-effect", "qualified"})
"""Statuses of a commitment that holds."""
