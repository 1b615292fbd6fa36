"""Applications that break one promise each: what the tests must be able to catch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

from flask import Flask, Response
from sqlalchemy import Connection, Engine

from kernel.db import Database


class Paying(Database):
    """Commits some of its transactions only when the answer has left already."""

    def __init__(self, content: Engine, deliveries: Engine) -> None:
        super().__init__(content, deliveries)
        self._owed: list[ExitStack] = []

    def pay(self) -> None:
        """Commit what is owed."""
        while self._owed:
            self._owed.pop().close()

    def furnish(self, app: Flask) -> None:
        """Make `app` pay at the end of each request, once its answer has left."""

        @app.after_request
        def pay_later(response: Response) -> Response:
            response.call_on_close(self.pay)
            return response

    @contextmanager
    def _owing(self, transaction: AbstractContextManager[Connection]) -> Iterator[Connection]:
        with ExitStack() as stack:
            yield stack.enter_context(transaction)
            self._owed.append(stack.pop_all())


class AcknowledgingFirst(Paying):
    """Acknowledges what it has not committed yet."""

    def write(self) -> AbstractContextManager[Connection]:
        return self._owing(super().write())


class RecordingLater(Paying):
    """Serves what it has not written down yet."""

    def record(self) -> AbstractContextManager[Connection]:
        return self._owing(super().record())

    def record_one(self) -> AbstractContextManager[Connection]:
        return self.record()
