"""Tables of the norms room, by noun. Days are proleptic day numbers; instants are microseconds.

A partial date (`2019`, `2019-07`, `2019-07-12`) is kept as text, as it was given.
"""

from norms.tables.derived import commitment, instrument_standing, treaty_standing
from norms.tables.events import norm_event
from norms.tables.forums import (
    co_chair,
    forum_profile,
    forum_session,
    membership,
    programme,
    programme_item,
)
from norms.tables.instruments import instrument, provision, provision_link, text_pin
from norms.tables.parties import confirmation, party
from norms.tables.recordings import four_eyes, recording
from norms.tables.states import (
    action,
    action_event,
    action_reader,
    position,
    position_reader,
    silence_event,
    silence_procedure,
)

__all__ = [
    "action",
    "action_event",
    "action_reader",
    "co_chair",
    "commitment",
    "confirmation",
    "forum_profile",
    "forum_session",
    "four_eyes",
    "instrument",
    "instrument_standing",
    "membership",
    "norm_event",
    "party",
    "position",
    "position_reader",
    "programme",
    "programme_item",
    "provision",
    "provision_link",
    "recording",
    "silence_event",
    "silence_procedure",
    "text_pin",
    "treaty_standing",
]
