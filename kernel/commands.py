"""What every command has in common: settings, `--json`, one-line refusals, exit codes.

0 on success, 1 on a refusal with its reason on one line of standard error, 2 on bad usage.
No traceback ever for what was typed; a fault nobody foresaw is logged under a number.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import importlib
import json
import os
import re
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from kernel import clock
from kernel.errors import BadInput, ComityError
from kernel.logs import configure_logging, get_logger
from kernel.settings import Settings, load_settings

if TYPE_CHECKING:  # SQLAlchemy takes its time, which `comity --help` need not wait for.
    import rich.progress

    from kernel.db import Database
    from kernel.signing import Signer

_EXIT_REFUSED: Final = 1
_STEERING: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command has to say: a JSON document, and the same for a person as text.

    With a `refusal` both are told all the same, then the reason, and the exit code is 1.
    """

    document: Any
    text: str
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Workplace:
    """What a command works with; `now_us` is the instant at which it began."""

    settings: Settings
    database: Database
    now_us: int

    @property
    def signer(self) -> Signer:
        """The installation's signer, opened when it is needed."""
        from kernel.signing import open_signer  # noqa: PLC0415 - few commands need it

        return open_signer(self.settings)


Prepare = Callable[[Settings, "Database"], None]
"""Checks that a database can be worked with; the root command's `obj`."""

REGISTER: Final = "comity.register"
"""Where the root command's `meta` keeps what loads the catalogue of norms: a `Load`."""

EXAMPLE: Final = "comity.example"
"""Where it keeps what puts on record what a demonstration's people did: a `Load`."""

Load = Callable[["Database", int], None]
"""Puts something into a migrated database, at an instant."""

Progress = Callable[[int, int], None]
"""Told (done, in all) now and then."""


@contextmanager
def importing() -> Iterator[None]:
    """Look for no cycles among modules, which all stay: it takes a sixth of a start.

    What is there afterwards is never looked through, and so stays shared by what is forked.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if was_on:
            gc.enable()


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for.

    `lazy` gives for each name where it is (`module:attribute`) and a line for `--help`.
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        lazy: Mapping[str, tuple[str, str]],
        **more: Any,  # noqa: ANN401 - click's own
    ) -> None:
        super().__init__(name, **more)
        self._lazy = dict(lazy)

    def main(self, *args: Any, **more: Any) -> Any:  # noqa: ANN401 - click's own
        """Run what was asked for; an answer that cannot be written is told in one line."""
        try:
            return super().main(*args, **more)
        except OSError as fault:
            _forget_output()
            _leave(f"the answer cannot be written: {fault.strerror}")

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every name, without importing what is behind it."""
        return sorted({*super().list_commands(ctx), *self._lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command called so, imported now."""
        place, _ = self._lazy.get(cmd_name, (None, ""))
        if place is None:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = place.partition(":")
        with contextlib.nullcontext() if module in sys.modules else importing():
            command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{place} is no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """A line about each, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self._line(name)) for name in self.list_commands(ctx)])

    def _line(self, name: str) -> str:
        if name in self._lazy:
            return self._lazy[name][1]
        return self.commands[name].get_short_help_str(70)


def answering(command: Callable[..., Answer]) -> Callable[..., None]:
    """Make `command` print its Answer: text, or with `--json` one document and nothing else."""

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
    @functools.wraps(command)
    def run(*args: object, as_json: bool, **kwargs: object) -> None:
        with refusals_told():
            _check_words(kwargs.values())
            answer = command(*args, **kwargs)
        shown = (
            json.dumps(answer.document, ensure_ascii=False) if as_json else _printable(answer.text)
        )
        if shown:
            # As bytes: a terminal's encoding must not break what a program reads.
            click.echo(shown.encode("utf-8", "replace"))
        if answer.refusal:
            _leave(answer.refusal)

    return run


def working(command: Callable[..., Answer]) -> Callable[..., None]:
    """Like `answering`, and give `command` a Workplace as its first argument."""

    @answering
    @functools.wraps(command)
    def run(*args: object, **kwargs: object) -> Answer:
        with open_workplace() as workplace:
            return command(workplace, *args, **kwargs)

    return run


def maintaining(command: Callable[..., Answer]) -> Callable[..., None]:
    """Like `working`, on a database in whatever state it is."""

    @answering
    @functools.wraps(command)
    def run(*args: object, **kwargs: object) -> Answer:
        with open_workplace(is_fit=False) as workplace:
            return command(workplace, *args, **kwargs)

    return run


@contextmanager
def open_workplace(*, is_fit: bool = True) -> Iterator[Workplace]:
    """Settings and a database; with `is_fit`, one that the root command finds fit to work with."""
    from kernel.db import Database  # noqa: PLC0415 - see the imports

    settings = load_settings()
    configure_logging(settings)
    database = Database.open(settings)
    try:
        prepare: Prepare | None = click.get_current_context().find_root().obj
        if is_fit and prepare is not None:
            prepare(settings, database)
        yield Workplace(settings, database, clock.now_us())
    finally:
        database.close()


@contextmanager
def showing_progress(label: str) -> Iterator[Progress]:
    """A bar on a terminal's standard error while the block runs; nothing in a pipe."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    with _bar() as bar:
        task = bar.add_task(_printable(label), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=max(total, 1))


def _bar() -> rich.progress.Progress:
    from rich import progress as shown  # noqa: PLC0415 - only a terminal needs it
    from rich.console import Console  # noqa: PLC0415 - likewise

    return shown.Progress(
        # What a file is called is text, whatever markup could be read into it.
        shown.TextColumn("{task.description}", markup=False),
        shown.BarColumn(),
        shown.MofNCompleteColumn(),
        shown.TimeRemainingColumn(),
        console=Console(file=sys.stderr),
    )


@contextmanager
def refusals_told() -> Iterator[None]:
    """Turn a refusal, or a fault, into one line on standard error and exit code 1."""
    try:
        yield
    except ComityError as refusal:
        _leave(refusal.message)
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except BrokenPipeError:
        _forget_output()
        sys.exit(_EXIT_REFUSED)
    except Exception as fault:  # noqa: BLE001 - a command never ends in a traceback
        _leave(_incident(fault))


def _check_words(values: Iterable[object]) -> None:
    """Refuse what was typed in another encoding: no record and no answer could hold it."""
    for value in values:
        if isinstance(value, tuple):
            _check_words(value)
        elif isinstance(value, str) and ("\0" in value or not _is_text(value)):
            raise BadInput("kernel.bad-argument", f"{value!a} is not UTF-8 text")


def _is_text(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _printable(text: str) -> str:
    """Without what would steer a terminal: names and reasons hold what others wrote."""
    return _STEERING.sub("\N{REPLACEMENT CHARACTER}", text)


def _forget_output() -> None:
    """Let nothing that is left of an answer fail again when the interpreter ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _leave(reason: str) -> NoReturn:
    click.echo("comity: " + _printable(" ".join(reason.split())), err=True)
    sys.exit(_EXIT_REFUSED)


def _incident(fault: Exception) -> str:
    number = secrets.token_hex(8)
    get_logger(__name__).error("incident", incident=number, exc_info=fault)
    return f"something went wrong here; report incident {number}"
