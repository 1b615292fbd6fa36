"""`/api/v1/forums/SLUG/policy/simulations`: a policy tried out before it is set.

For whoever may set it. What it tells is about the member's own contributions, by what the
member may know; no position of the ledger is in it.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from flask import Response
from flask_smorest import Blueprint
from marshmallow import fields, validate

from auth.doors import Permission, current_database, current_instant_us, door
from kernel.errors import NotFound
from sharing.api.documents import OBJECT_EXAMPLE, POLICY, POLICY_EXAMPLE
from sharing.api.entering import FORUM, PLACE, enter_as_officer, read_document
from sharing.queries.simulations import About, find_simulation
from sharing.rules.model import KINDS
from sharing.services.simulations import trial_of_policy, try_out
from web.bodies import JSON
from web.listing import answer_json
from web.openapi import body_of
from web.shapes import Shape, count, instant, text, word, words

blueprint = Blueprint(
    "simulations", __name__, url_prefix=FORUM, description="Policies tried out before they are set"
)


_BODY: Final = body_of("A sharing policy, at most 64 KiB.", POLICY, POLICY_EXAMPLE, JSON)
_ALL_OR_SOME: Final = "All or some of each of these units of the object."
_BY_NAME: Final = "Versions by the name of each."


class AffectedSchema(Shape):
    """One version, as it changes for one recipient."""

    EXAMPLE: ClassVar = {
        "collection": PLACE,
        "id": OBJECT_EXAMPLE["id"],
        "version": OBJECT_EXAMPLE["modified"],
        "type": OBJECT_EXAMPLE["type"],
        "change": "appears",
        "through": ["individual", "machine"],
        "without": ["description"],
    }
    collection = text()
    id = text()
    version = text()
    type = text()
    at = fields.String(metadata={"format": "date-time", "description": "When, if it is later."})
    change = fields.String(validate=validate.OneOf(("appears", "more", "disappears", "less")))
    through = fields.List(fields.String(validate=validate.OneOf(KINDS)))
    properties = fields.List(fields.String(), metadata={"description": _ALL_OR_SOME})
    without = fields.List(fields.String(), metadata={"description": _ALL_OR_SOME})
    depends_on = fields.List(fields.String(validate=validate.OneOf(("reciprocity",))))


class EffectSchema(Shape):
    """What one recipient gains, or loses, or had been served; a hundred versions are named."""

    EXAMPLE: ClassVar = {
        "forum": "harbour",
        "recipient": "XAC",
        "versions": 1,
        "types": {OBJECT_EXAMPLE["type"]: 1},
        "without": {"description": 1},
        "objects": [AffectedSchema.EXAMPLE],
        "more_objects": 0,
    }
    forum = text()
    recipient = text("A member's code, or `partner:NAME`.")
    versions = count()
    types = fields.Dict(required=True, metadata={"description": _BY_NAME})
    properties = fields.Dict(metadata={"description": _BY_NAME})
    without = fields.Dict(metadata={"description": _BY_NAME})
    depends_on_reciprocity = fields.Integer(strict=True, validate=validate.Range(1))
    first_at = fields.String(metadata={"format": "date-time"})
    last_at = fields.String(metadata={"format": "date-time"})
    objects = fields.List(fields.Nested(AffectedSchema), required=True)
    more_objects = count("How many more there are than are named.")


class LaterSchema(Shape):
    """What embargoes and expiries of the policy do later by themselves."""

    EXAMPLE: ClassVar[dict[str, Any]] = {"opens": [], "closes": []}
    opens = fields.List(fields.Nested(EffectSchema), required=True)
    closes = fields.List(fields.Nested(EffectSchema), required=True)


class SimulationSchema(Shape):
    """What a policy would change of one's own contributions, for whom.

    `already_served` is what each recipient had been served of what it loses.
    """

    EXAMPLE: ClassVar = {
        "id": "2a1c6f0e-5d3b-4e7a-9f00-6b8d1c2e3f40",
        "kind": "policy",
        "made_at": "2026-11-27T08:30:00.000000Z",
        "kept_until": "2026-12-04T08:30:00.000000Z",
        "gains": [EffectSchema.EXAMPLE],
        "loses": [],
        "already_served": [],
        "later": LaterSchema.EXAMPLE,
        "notes": [],
    }
    id = text()
    kind = word("policy")
    made_at = instant()
    kept_until = instant()
    gains = fields.List(fields.Nested(EffectSchema), required=True)
    loses = fields.List(fields.Nested(EffectSchema), required=True)
    already_served = fields.List(fields.Nested(EffectSchema), required=True)
    later = fields.Nested(LaterSchema, required=True)
    notes = words()


@blueprint.route("/policy/simulations", methods=["POST"])
@door(Permission.API_WRITE)
@blueprint.doc(requestBody=_BODY)
@blueprint.response(201, SimulationSchema, example=SimulationSchema.EXAMPLE)
def add_simulation(forum: str) -> Response:
    """Tell what the body would change as the member's policy; keep that, and change nothing else.

    For a person with the role policy-officer. `PUT .../policy?simulation=ID` applies it.
    """
    place, seated, member_id = enter_as_officer(forum)
    trial = trial_of_policy(place, member_id, read_document())
    made = try_out(current_database(), seated.reader.actor, trial, now_us=current_instant_us())
    return answer_json(made.document(), 201)


@blueprint.route("/policy/simulations/<simulation_id>", methods=["GET"])
@door(Permission.API_READ)
@blueprint.response(200, SimulationSchema, example=SimulationSchema.EXAMPLE)
def show_simulation(forum: str, simulation_id: str) -> Response:
    """A simulation of the member's policy, as it was told, for seven days."""
    place, _, member_id = enter_as_officer(forum)
    about = About("policy", place.id, member_id)
    with current_database().read() as connection:
        found = find_simulation(connection, about, simulation_id, now_us=current_instant_us())
    if found is None:
        raise NotFound(
            "sharing.unknown-simulation", "no such simulation of your member's policy here"
        )
    return answer_json(found.document())
