"""Run `comity` in this process, on an installation of the test's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from click.testing import CliRunner

from app import main
from kernel.settings import Settings

FORUM = "harbour"
TLP_GREEN = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"
TLP_RED = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1"
SHARES_WITH_XBB = {
    "rules": [{"id": "ally", "effect": "share", "audience": {"any": ["member:XBB"]}}]
}


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit code, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output, which must be one JSON document and nothing else."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Installation:
    """An installation, and its operator at a terminal."""

    settings: Settings

    def run(self, *arguments: str, given: str | bytes | None = None, **environment: str) -> Ran:
        """Run a command, `given` being its standard input; it must never end in a traceback."""
        surroundings = {
            "COMITY_DATA_DIR": self.settings.data_dir,
            "COMITY_DATABASE_URL": self.settings.database_url,
        }
        result = CliRunner().invoke(
            main, list(arguments), input=given, env=surroundings | environment
        )
        assert "Traceback" not in result.stderr
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return Ran(result.exit_code, result.stdout, result.stderr)

    def done(self, *arguments: str, given: str | bytes | None = None) -> Any:
        """The document of a command that must succeed without a word on standard error."""
        ran = self.run(*arguments, "--json", given=given)
        assert (ran.code, ran.err) == (0, ""), ran
        return ran.document

    def refused(self, *arguments: str, given: str | bytes | None = None) -> str:
        """The one line of a command that must be refused with nothing on standard output."""
        ran = self.run(*arguments, given=given)
        assert (ran.code, ran.out) == (1, ""), ran
        assert ran.err.count("\n") == 1
        return ran.err

    def set_policy(self, code: str, document: Mapping[str, Any]) -> Any:
        return self.done("policy", "set", code, FORUM, "-", given=json.dumps(document))


def make_harbour(settings: Settings) -> Installation:
    """A forum in which XAA and XBB have a seat, with a collection; XCC is a member only."""
    installation = Installation(settings)
    for code in ("XAA", "XBB", "XCC"):
        installation.done("member", "add", code, "--name", f"State {code}")
    installation.done("forum", "add", FORUM, "--title", "Harbour")
    for code in ("XAA", "XBB"):
        installation.done("seat", "add", FORUM, code)
    installation.done("collection", "add", FORUM, "--title", "Reports", "--alias", "reports")
    return installation


def indicator(number: int, **members: Any) -> dict[str, Any]:
    """A good indicator with an id of its own."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--00000000-0000-4000-8000-{number:012d}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "name": f"indicator {number}",
        "pattern": f"[domain-name:value = 'host-{number}.example']",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
        "object_marking_refs": [TLP_GREEN],
    } | members


def statement(number: int) -> dict[str, Any]:
    """A statement marking-definition with an id of its own."""
    return {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": f"marking-definition--00000000-0000-4000-8000-{number:012d}",
        "created": "2026-01-01T00:00:00.000Z",
        "definition_type": "statement",
        "definition": {"statement": "Ask us before you publish."},
    }
