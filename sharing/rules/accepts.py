"""What a member declines to receive: an `accepts` document and what it means (sharing policy §6).

An absent key accepts everything; an empty `types` accepts nothing. Sovereign and private:
only the member and the operator's counters know what it refuses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sharing.rules.model import Facts
from sharing.rules.node import Node, quote
from sharing.rules.tlp import Tlp

_KEYS: Final = frozenset({"types", "tlp_at_most", "except_originators"})


@dataclass(frozen=True, slots=True)
class Accepts:
    """What a member accepts; None accepts everything. `except_originators` are codes."""

    types: frozenset[str] | None = None
    tlp_at_most: Tlp | None = None
    except_originators: frozenset[str] = frozenset()

    def refuses(self, facts: Facts) -> bool:
        """Whether the object is declined (sharing policy §4.7). The object's own TLP counts."""
        return (
            (self.types is not None and facts.stix_type not in self.types)
            or (self.tlp_at_most is not None and facts.tlp > self.tlp_at_most)
            or facts.originator in self.except_originators
        )


def read_accepts(document: object) -> Accepts:
    """What a parsed document says. Raises PolicyRefused with the path of the fault."""
    fields = Node(document).fields(_KEYS)
    return Accepts(
        types=fields["types"].texts() if "types" in fields else None,
        tlp_at_most=fields["tlp_at_most"].level() if "tlp_at_most" in fields else None,
        except_originators=(
            fields["except_originators"].texts() if "except_originators" in fields else frozenset()
        ),
    )


def check_accepts(document: object, *, members: frozenset[str]) -> None:
    """Raises PolicyRefused, with the path of the fault, unless the document can be saved."""
    read_accepts(document)
    fields = Node(document).fields(_KEYS)
    for node in fields["except_originators"].items() if "except_originators" in fields else ():
        if node.text() not in members:
            raise node.refused(f"no member has the code {quote(node.text())}")
