"""Whether what one person of a secretariat records waits for a second. Pure (decision 22)."""

from __future__ import annotations

from typing import Final

ALWAYS: Final = "always"
AUTOMATIC: Final = "automatic"
NEVER: Final = "never"
SETTINGS: Final = (ALWAYS, AUTOMATIC, NEVER)

WAITING: Final = "waiting"
CONFIRMED: Final = "confirmed"
REFUSED: Final = "refused"
STATES: Final = (WAITING, CONFIRMED, REFUSED)


def asks_for_second(setting: str, persons: int) -> bool:
    """Whether a forum asks for it: `automatic` where its secretariat has two persons or more.

    What is no known setting asks for it too.
    """
    if setting == AUTOMATIC:
        return persons > 1
    return setting != NEVER
