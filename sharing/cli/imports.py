"""`comity import`: contribute files of STIX as a member."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import click

from kernel import clock
from kernel.commands import Answer, Workplace, showing_progress, working
from kernel.errors import ComityError
from sharing.cli.named import STANDARD_INPUT, expect_place, unreadable
from sharing.queries.answered import Answered, Named, expect_answered
from sharing.services.importing import Failure, Importer, Report, import_source
from sharing.services.settling import settled_read
from sharing.services.sources import open_source

_SHOWN_IDS = 5
_FAULTS_OF_A_FILE = (400, 413)


@click.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--member", "code", required=True, metavar="CODE", help="Whose contributions.")
@click.option("--collection", "ref", required=True, metavar="ID", help="Its id or alias.")
@click.option(
    "--answers",
    metavar="OBJECT_ID",
    help="An object that the member sees: exactly those who see it are granted what is imported.",
)
@click.option(
    "--answers-in", metavar="ID", help="The collection that object is in, if there are several."
)
@working
def import_(
    workplace: Workplace,
    files: Sequence[str],
    *,
    code: str,
    ref: str,
    answers: str | None,
    answers_in: str | None,
) -> Answer:
    """Contribute what is in FILE... as a member.

    A FILE (- for standard input) is a STIX bundle, a TAXII envelope, a JSON array, a single
    object, or JSON lines. Each object is taken or refused by itself. Exits with 1 when a file
    cannot be read or nothing at all could be taken, else with 0, whatever was refused.
    """
    with settled_read(workplace.database, now_us=workplace.now_us) as connection:
        seated, place = expect_place(connection, code, ref)
        answered = None
        if answers is not None:
            answered = expect_answered(connection, seated, Named(answers, answers_in))
    importer = Importer(code, seated.forum_slug, place.uuid)
    report = Report()
    unread = [
        file for file in files if not _import_file(workplace, importer, file, report, answered)
    ]
    return Answer(
        _document(importer, files, report),
        _text(importer, report),
        refusal=_refusal(unread, report),
    )


def _import_file(
    workplace: Workplace,
    importer: Importer,
    file: str,
    report: Report,
    answered: Answered | None,
) -> bool:
    """Whether the file could be read; if not, the report says why, and other files go on."""
    try:
        with _opened(file) as content:
            source = open_source(
                file, content, max_object_bytes=workplace.settings.max_content_length
            )
            with showing_progress(Path(file).name) as progress:
                import_source(
                    workplace.database,
                    importer,
                    file,
                    source,
                    report,
                    clock=clock.now_us,
                    progress=progress,
                    answers=answered,
                )
    except ComityError as fault:
        if fault.status not in _FAULTS_OF_A_FILE:
            raise
        # What says the reason names the file already.
        reason = fault.message.removeprefix(f"{file}: ")
        report.failures.append(Failure(file, None, None, None, None, fault.code, reason))
        return False
    return True


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    """The file, from its beginning and as often as needed: what comes by a pipe is kept first."""
    try:
        with _stream(file) as stream:
            if stream.seekable():
                yield stream
                return
            with tempfile.TemporaryFile() as kept:
                shutil.copyfileobj(stream, kept)
                yield cast("BinaryIO", kept)
    except OSError as fault:
        raise unreadable(file, fault) from None


@contextmanager
def _stream(file: str) -> Iterator[BinaryIO]:
    if file == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    with Path(file).open("rb") as stream:
        yield stream


def _refusal(unread: list[str], report: Report) -> str:
    if unread:
        reasons = {failure.file: failure.reason for failure in report.failures if not failure.place}
        return f"could not import {unread[0]}: {reasons[unread[0]]}"
    if report.failures and not report.contributed and not report.known:
        return f"nothing was contributed; first reason: {report.failures[0].reason}"
    return ""


def _document(importer: Importer, files: Sequence[str], report: Report) -> dict[str, Any]:
    refused = [failure for failure in report.failures if failure.place]
    return {
        "member": importer.member_code,
        "forum": importer.forum_slug,
        "collection": importer.collection_uuid,
        "files": list(files),
        "total": report.contributed + report.known + len(refused),
        "contributed": report.contributed,
        "known": report.known,
        "failed": len(refused),
        "failures": [_failure_document(failure) for failure in report.failures],
        "notes": [
            {"message": message, "count": note.count, "ids": note.ids}
            for message, note in report.notes.items()
        ],
    }


def _failure_document(failure: Failure) -> dict[str, Any]:
    """A refused object with its `line` (from 1) or `index` (from 0); neither for a whole file."""
    where = {failure.place: failure.number} if failure.place else {}
    return {
        "file": failure.file,
        **where,
        "id": failure.stix_id,
        "version": failure.version,
        "code": failure.code,
        "reason": failure.reason,
    }


def _text(importer: Importer, report: Report) -> str:
    lines = [_failure_line(failure) for failure in report.failures]
    for message, note in report.notes.items():
        lines.append(
            f"{note.count} {message}: {', '.join(note.ids[:_SHOWN_IDS])}{_rest(note.count)}"
        )
    refused = sum(1 for failure in report.failures if failure.place)
    lines.append(
        f"{importer.member_code} into {importer.collection_uuid}: "
        f"{report.contributed} contributed, {report.known} known already, {refused} refused"
    )
    return "\n".join(lines)


def _rest(count: int) -> str:
    return f" and {count - _SHOWN_IDS} more" if count > _SHOWN_IDS else ""


def _failure_line(failure: Failure) -> str:
    where = f", {failure.place} {failure.number}" if failure.place else ""
    named = f"{failure.stix_id}: " if failure.stix_id else ""
    return f"{failure.file}{where}: {named}{failure.reason}"
