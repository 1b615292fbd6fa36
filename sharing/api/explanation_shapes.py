"""Shapes of explanations and of what applies in a collection.

What does not live here: the views (explanations).
"""

from __future__ import annotations

from typing import ClassVar, Final

from marshmallow import fields

from sharing.api.documents import OBJECT_EXAMPLE
from sharing.api.entering import LEVELS, PLACE
from sharing.rules.model import KINDS
from sharing.services.explanations import NOT_DELIVERABLE
from web.shapes import Shape, flag, instant, text, word, words

OUTCOMES: Final = ("whole", "less", "hidden")
_TERMS: Final = (
    "The IEP statements of the rules that share it, each with all that these rules say of it; "
    "recorded and shown, not enforced."
)
_UNLESS: Final = (
    f"`{NOT_DELIVERABLE}` beside every grant: others' secrets might stand in the way, and whether "
    "they do is told by nothing here."
)
_IDS: Final = {
    "id": OBJECT_EXAMPLE["id"],
    "collection": PLACE,
    "version": OBJECT_EXAMPLE["modified"],
}


def _terms() -> fields.Dict:
    return fields.Dict(
        required=True,
        keys=fields.String(),
        values=fields.List(fields.String()),
        metadata={"description": _TERMS},
    )


class LineSchema(Shape):
    """One sentence; `clause` is the sharing policy's, `rule` the id that it is about."""

    EXAMPLE: ClassVar = {
        "clause": "4.2",
        "rule": "neighbours",
        "rule_of": "member",
        "sentence": "The rule shares the object with XAB, less description.",
    }
    clause = text()
    rule = text(nullable=True)
    rule_of = text("Whose rule it is: `member` or `forum`.", nullable=True)
    sentence = text()


class OmittedSchema(Shape):
    """A property that is left out, and why."""

    EXAMPLE: ClassVar = {
        "property": "description",
        "rules": ["neighbours"],
        "because": [LineSchema.EXAMPLE["sentence"]],
    }
    property = text()
    rules = words()
    because = words()


class SummarySchema(Shape):
    """What goes to one recipient through one kind of credential."""

    EXAMPLE: ClassVar = {
        "recipient": "XAB",
        "is_partner": False,
        "kind": "individual",
        "decision": "less",
        "unless": NOT_DELIVERABLE,
        "omitted_properties": ["description"],
        "rules": ["neighbours"],
    }
    recipient = text("A member's code, or a partner's name.")
    is_partner = flag()
    kind = word(*KINDS)
    decision = word(*OUTCOMES, about="What the rules of the originator and the forum give.")
    unless = text(_UNLESS, nullable=True)
    omitted_properties = words()
    rules = words(about="The rules that were weighed.")


class ExplanationSchema(SummarySchema):
    """The same step by step, for one version of an object that the caller contributed."""

    EXAMPLE: ClassVar = (
        _IDS
        | SummarySchema.EXAMPLE
        | {
            "tlp": "amber",
            "omitted": [OmittedSchema.EXAMPLE],
            "dropped_ids": [],
            "terms": {"attribution": ["must-not"]},
            "changes_at": None,
            "trace": [LineSchema.EXAMPLE],
        }
    )
    id = text()
    collection = text()
    version = instant()
    tlp = word(*LEVELS)
    omitted = fields.List(fields.Nested(OmittedSchema), required=True)
    dropped_ids = words(about="Ids that are taken out of lists.")
    terms = _terms()
    changes_at = instant(
        "When a rule about the object next begins or ceases to hold.", nullable=True
    )
    trace = fields.List(fields.Nested(LineSchema), required=True)


class ReasonsSchema(Shape):
    """Why the caller sees a version of an object, and on which terms."""

    EXAMPLE: ClassVar = _IDS | {
        "type": "indicator",
        "tlp": "amber",
        "tlp_is_marked": True,
        "created_by_ref": None,
        "terms": {"attribution": ["must-not"]},
        "trace": [
            {
                "clause": "4.1",
                "rule": None,
                "rule_of": None,
                "sentence": "The role member reads this collection.",
            }
        ],
    }
    id = text()
    collection = text()
    version = instant()
    type = text()
    tlp = word(*LEVELS)
    tlp_is_marked = flag("False where the level is the collection's `unmarked_as`.")
    created_by_ref = text("Who made it, if the object tells.", nullable=True)
    terms = _terms()
    trace = fields.List(fields.Nested(LineSchema), required=True)


class CeilingsSchema(Shape):
    """The highest level each of these lets through to the caller."""

    EXAMPLE: ClassVar = {
        "forum": "red",
        "collection": "red",
        "accreditation": "amber+strict",
        "credential": "red",
    }
    forum = word(*LEVELS)
    collection = word(*LEVELS)
    accreditation = word(*LEVELS)
    credential = word(*LEVELS)


class LevelSchema(Shape):
    """One level: its markings, whether it may reach the caller, how far it may be passed on."""

    EXAMPLE: ClassVar = {
        "level": "green",
        "marking_ids": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
        "may_reach_you": True,
        "passing_on": "TLP:green lets you pass it on within your community, not in public.",
    }
    level = word(*LEVELS)
    marking_ids = words()
    may_reach_you = flag()
    passing_on = text()


class PropertiesSchema(Shape):
    """What may be left out of an object without a trace."""

    EXAMPLE: ClassVar = {
        "may_be_omitted": True,
        "never_omitted": ["id", "type"],
        "description": "Any optional property may have been left out of an object.",
    }
    may_be_omitted = flag()
    never_omitted = words()
    description = text()


class MarkingsSchema(Shape):
    """What applies to the caller in a collection."""

    EXAMPLE: ClassVar = {
        "collection": PLACE,
        "credential_kind": "individual",
        "can_read": True,
        "unmarked_as": "amber+strict",
        "tlp_ceilings": CeilingsSchema.EXAMPLE,
        "tlp": [LevelSchema.EXAMPLE],
        "properties": PropertiesSchema.EXAMPLE,
        "terms": {"attribution": ["must-not"]},
        "enforced": ["Who is given an object, and which of its properties, on every way out."],
        "recorded": ["What was served to whom, and when."],
    }
    collection = text()
    credential_kind = word(*KINDS)
    can_read = flag()
    unmarked_as = word(*LEVELS)
    tlp_ceilings = fields.Nested(CeilingsSchema, required=True)
    tlp = fields.List(fields.Nested(LevelSchema), required=True)
    properties = fields.Nested(PropertiesSchema, required=True)
    terms = _terms()
    enforced = words()
    recorded = words()
