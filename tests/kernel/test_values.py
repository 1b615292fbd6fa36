"""Values that are made by the thousand are what the same frozen dataclass would be."""

from __future__ import annotations

import pickle
from copy import copy
from dataclasses import dataclass, field, replace

import pytest

from kernel.values import light


@light
@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 2
    names: dict[str, int] = field(default_factory=dict, compare=False)

    @property
    def both(self) -> int:
        return self.x + self.y


def test_fields_defaults_equality_and_hash_are_as_ever() -> None:
    one = Point(1)
    assert (one.x, one.y, one.names, one.both) == (1, 2, {}, 3)
    assert one == Point(x=1, y=2, names={"a": 1})
    assert one != Point(2)
    assert hash(one) == hash(Point(1))
    assert Point(1).names is not one.names
    assert repr(one) == "Point(x=1, y=2, names={})"
    assert replace(one, y=5) == Point(1, 5)
    assert copy(one) == one == pickle.loads(pickle.dumps(one))
    assert not hasattr(one, "__dict__")


def test_what_lacks_a_field_or_has_one_too_many_is_refused() -> None:
    with pytest.raises(TypeError):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        Point(1, 2, {}, 4)  # type: ignore[call-arg]


def test_what_is_not_frozen_or_does_more_is_refused() -> None:
    @dataclass(slots=True)
    class Loose:
        x: int

    @dataclass(frozen=True, slots=True)
    class Checked:
        x: int

        def __post_init__(self) -> None:
            raise ValueError

    for kind in (Loose, Checked):
        with pytest.raises(TypeError, match="no frozen dataclass"):
            light(kind)
