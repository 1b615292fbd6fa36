"""What a member declines to receive: the form of an `accepts` document (sharing policy §6).

An absent key accepts everything; an empty `types` accepts nothing.
"""

from __future__ import annotations

from typing import Final

from sharing.rules.node import Node, quote

_KEYS: Final = frozenset({"types", "tlp_at_most", "except_originators"})


def check_accepts(document: object, *, members: frozenset[str]) -> None:
    """Raises PolicyRefused, with the path of the fault, unless the document can be saved."""
    fields = Node(document).fields(_KEYS)
    for node in fields["types"].items() if "types" in fields else ():
        node.text()
    if "tlp_at_most" in fields:
        fields["tlp_at_most"].level()
    for node in fields["except_originators"].items() if "except_originators" in fields else ():
        if node.text() not in members:
            raise node.refused(f"no member has the code {quote(node.text())}")
