"""Values that are made by the thousand: frozen for the type checker, and quick to make.

A frozen dataclass sets each field by a call of its own, a tenth of what an envelope of a thousand
objects takes. mypy holds that nobody changes these; nothing holds it at run time.
"""

from __future__ import annotations

from dataclasses import Field, field, fields, make_dataclass
from typing import Any, TypeVar

ValueT = TypeVar("ValueT")


def light(kind: type[ValueT]) -> type[ValueT]:
    """The same frozen dataclass, with an `__init__` as one that is not frozen has.

    Fields, defaults, equality, hash and `replace` stay as they are. Raises TypeError for what is
    no frozen dataclass, or does more when it is made.
    """
    if "__setattr__" not in vars(kind) or hasattr(kind, "__post_init__"):
        raise TypeError(f"{kind.__name__} is no frozen dataclass that only takes its fields")
    made: Any = kind
    plain: Any = make_dataclass(
        kind.__name__, [(one.name, object, _again(one)) for one in fields(made)]
    )
    del made.__setattr__, made.__delattr__
    made.__init__ = plain.__init__
    return kind


def _again(one: Field[Any]) -> Any:  # noqa: ANN401 - what `field` returns stands for any default
    return field(default=one.default, default_factory=one.default_factory, kw_only=one.kw_only)
