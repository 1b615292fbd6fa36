"""`--as`: commands that act for a member or in a person's name, each use on the audit trail.

Sharing policy §1. It is on record before the command looks at anything, so neither a refusal nor
a fault leaves it out. What does not live here: what such a command may see (auth/services/acting).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Final

import click
from sqlalchemy import Connection

from auth.queries import find_member, find_person
from auth.services import OPERATOR, record_audit
from kernel.commands import Answer, Workplace, working

_MOST_CHARACTERS: Final = 200

Command = Callable[..., Answer]
Named = tuple[bool, int | None]
"""Whether what `--as` names is there, and the member whose auditors may read of it."""


def for_member(about: str) -> Callable[[Command], Callable[..., None]]:
    """Give a command a Workplace and `--as CODE`, its `code`."""
    option = click.option("--as", "code", required=True, metavar="CODE", help=about)
    return lambda command: option(_recorded(command, "code", _find_member))


def for_person(about: str, *, required: bool = True) -> Callable[[Command], Callable[..., None]]:
    """Give a command a Workplace and `--as EMAIL`, its `email`."""
    option = click.option("--as", "email", required=required, metavar="EMAIL", help=about)
    return lambda command: option(_recorded(command, "email", _find_person))


def _recorded(
    command: Command, name: str, find: Callable[[Connection, str], Named]
) -> Callable[..., None]:
    @working
    @functools.wraps(command)
    def run(workplace: Workplace, **given: Any) -> Answer:  # noqa: ANN401 - whatever click read
        if given[name] is not None:
            _record(workplace, given[name], find)
        return command(workplace, **given)

    return run


def _record(workplace: Workplace, name: str, find: Callable[[Connection, str], Named]) -> None:
    """Who had the host's hand on this. Of a member or person that is not there nothing is said."""
    context = click.get_current_context()
    _, _, path = context.command_path.partition(" ")
    with workplace.database.write() as connection:
        is_there, member_id = find(connection, name)
        if not is_there:
            return
        record_audit(
            connection,
            OPERATOR,
            "command.as",
            f"command:{path}",
            member_id=member_id,
            detail=_given(context),
            now_us=workplace.now_us,
        )


def _find_member(connection: Connection, code: str) -> Named:
    found = find_member(connection, code)
    return found is not None, None if found is None else found.id


def _find_person(connection: Connection, email: str) -> Named:
    found = find_person(connection, email)
    return found is not None, None if found is None else found.member_id


def _given(context: click.Context) -> Mapping[str, Any]:
    """What was asked, by the names that a person types."""
    given = {}
    for parameter in context.command.params:
        value = context.params.get(str(parameter.name))
        # By what it is: 0 was asked for, and is equal to False.
        if value is not None and value is not False and value != ():
            given[parameter.opts[0].lstrip("-")] = _short(value)
    return given


def _short(value: object) -> object:
    if isinstance(value, tuple):
        return [_short(one) for one in value]
    return value[:_MOST_CHARACTERS] if isinstance(value, str) else value
