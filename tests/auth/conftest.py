"""The worlds that the tests of auth share: those of the doors."""

from __future__ import annotations

from tests.access.conftest import small_world, world

__all__ = ["small_world", "world"]
