"""Held downgrades: when a contribution is looser than another version, and gives more by it.

Sharing policy §5. What does not live here: which version it is compared with, and who
confirms it.
"""

from __future__ import annotations

from sharing.rules.audiences import Grant
from sharing.rules.model import Facts


def is_looser(new: Facts, old: Facts) -> bool:
    """Whether the TLP, the TLP of a property both hold, or `releasable_to` is looser than it was.

    `releasable_to` is looser when it is gone, or has a term that it had not.
    """
    return new.tlp < old.tlp or _has_looser_unit(new, old) or _releases_wider(new, old)


def _has_looser_unit(new: Facts, old: Facts) -> bool:
    return any(
        max(new.tlp, level) < max(old.tlp, old.properties[unit])
        for unit, level in new.properties.items()
        if unit in old.properties
    )


def _releases_wider(new: Facts, old: Facts) -> bool:
    if old.releasable_to is None:
        return False
    return new.releasable_to is None or not set(new.releasable_to) <= set(old.releasable_to)


def gives_more(new: Grant, old: Grant, new_facts: Facts, old_facts: Facts, own: int) -> bool:
    """Whether anybody but the originator (`own`) gets something that the old one does not give.

    The object, or a unit of it that the old one holds too. Both grants ignore embargoes.
    """
    others = ~own
    if new.visible & ~old.visible & others:
        return True
    return any(
        new.keeping(unit) & lost & others
        for unit, lost in old.lost.items()
        if unit in new_facts.properties and unit in old_facts.properties
    )
