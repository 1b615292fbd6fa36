"""The due work of `auth`: tokens, codes, sessions and challenges that have expired."""

from __future__ import annotations

from collections.abc import Sequence

from auth.services.grants import forget_codes, has_dead_codes
from auth.services.once import forget_challenges, has_dead_challenges
from auth.services.sessions import forget_sessions, has_dead_sessions
from auth.services.tokens import forget_tokens, has_dead_tokens
from kernel.db import Database
from kernel.tasks import Details, Task


def _list_dead_tokens(database: Database, *, now_us: int) -> Sequence[str]:
    with database.read() as connection:
        return ["all"] if has_dead_tokens(connection, now_us=now_us) else []


def _forget_tokens(database: Database, _key: str, *, now_us: int) -> Details:
    with database.write() as connection:
        return {"forgotten": forget_tokens(connection, now_us=now_us)}


def _list_dead_sessions(database: Database, *, now_us: int) -> Sequence[str]:
    with database.read() as connection:
        return ["all"] if has_dead_sessions(connection, now_us=now_us) else []


def _forget_sessions(database: Database, _key: str, *, now_us: int) -> Details:
    with database.write() as connection:
        return {"forgotten": forget_sessions(connection, now_us=now_us)}


def _list_dead_challenges(database: Database, *, now_us: int) -> Sequence[str]:
    with database.read() as connection:
        return ["all"] if has_dead_challenges(connection, now_us=now_us) else []


def _forget_challenges(database: Database, _key: str, *, now_us: int) -> Details:
    with database.write() as connection:
        return {"forgotten": forget_challenges(connection, now_us=now_us)}


def _list_dead_codes(database: Database, *, now_us: int) -> Sequence[str]:
    with database.read() as connection:
        return ["all"] if has_dead_codes(connection, now_us=now_us) else []


def _forget_codes(database: Database, _key: str, *, now_us: int) -> Details:
    with database.write() as connection:
        return {"forgotten": forget_codes(connection, now_us=now_us)}


TASKS = (
    Task("forget-tokens", _list_dead_tokens, _forget_tokens, every_seconds=600, is_tidying=True),
    Task(
        "forget-sessions", _list_dead_sessions, _forget_sessions, every_seconds=600, is_tidying=True
    ),
    Task(
        "forget-challenges",
        _list_dead_challenges,
        _forget_challenges,
        every_seconds=600,
        is_tidying=True,
    ),
    Task("forget-codes", _list_dead_codes, _forget_codes, every_seconds=600, is_tidying=True),
)
