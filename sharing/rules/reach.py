"""What a recipient may receive at all, whatever the rules say: step 1 of the decision.

Each function is one clause of sharing policy §4.1, or of §2 for files. What does not live here:
the rules.
"""

from __future__ import annotations

from collections.abc import Iterable

from sharing.rules.model import CredentialKind, Place, Recipient
from sharing.rules.tlp import Tlp


def may_read(recipient: Recipient, place: Place) -> bool:
    """Whether the collection names the recipient's role among its readers."""
    return recipient.role in place.read_roles


def is_within_place(tlp: Tlp, place: Place) -> bool:
    """Whether the level is within the forum's and the collection's ceilings."""
    return tlp <= place.forum_ceiling and tlp <= place.collection_ceiling


def is_accredited(recipient: Recipient, tlp: Tlp) -> bool:
    """Whether the level is within the recipient's own ceiling."""
    return tlp <= recipient.accredited_to


def may_reach(tlp: Tlp, recipient: Recipient, kind: CredentialKind) -> bool:
    """Whether section 2 lets the level reach this recipient through this credential.

    A partner receives at most green, and through machine credentials only, since it has no
    others. Red needs an individual's credential.
    """
    if recipient.is_partner:
        return kind == "machine" and tlp <= Tlp.GREEN
    return kind == "individual" or (kind == "machine" and tlp < Tlp.RED)


def may_be_exported(property_levels: Iterable[Tlp], level: Tlp) -> bool:
    """Whether an object of this level, with properties of these levels, may leave in a file.

    Red never does, to its originator neither: a file passes from hand to hand.
    """
    return max(property_levels, default=level) < Tlp.RED and level < Tlp.RED
