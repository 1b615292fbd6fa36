"""Where the rooms meet: the web application, and the `comity` command.

What does not live here: anything that one room can do by itself.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from kernel import clock
from kernel.commands import EXAMPLE, REGISTER, LazyGroup, importing

# Rooms are imported where they are used: `comity --help` waits for none of them.
if TYPE_CHECKING:
    from flask import Flask

    from auth.pages.operator import WatchedFeed
    from kernel.db import Database
    from kernel.settings import Settings
    from kernel.signing import Signer
    from kernel.tasks import Task


def create_app(
    settings: Settings,
    *,
    database: Database | None = None,
    signer: Signer | None = None,
    now_us: Callable[[], int] = clock.now_us,
) -> Flask:
    """The web application of one process. Connects to nothing before the first request.

    Raises Misconfigured on a bad database URL or secret key.
    """
    from flask import Flask
    from werkzeug.middleware.proxy_fix import ProxyFix

    from kernel.db import Database
    from kernel.signing import open_signer
    from web.installation import Installation, init_installation

    connect_rooms()
    app = Flask("comity", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_content_length
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    # Nothing is ever redirected: an address with and without its last slash is the same.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    proxies = settings.trusted_proxies
    if proxies > 0:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies
        )
    surroundings = Installation(
        settings, database or Database.open(settings), signer or open_signer(settings), now_us
    )
    init_installation(app, surroundings)
    _furnish(app)
    return app


def connect_rooms() -> None:
    """Let the halves hear of each other: policies ask who is committed, and follow changes."""
    from norms.port import CommitmentRegister
    from norms.services.deriving import connect_watcher
    from sharing.queries.commitments import connect_register
    from sharing.services.following import follow

    connect_register(CommitmentRegister())
    connect_watcher(follow)


def _furnish(app: Flask) -> None:
    """Put every room's part into `app`; the order of the guards is the order of their names."""
    from auth.api import routes as auth_api
    from auth.doors import Permission, init_doors, sign_endpoint
    from auth.oauth import init_oauth
    from auth.pages.operator import watch_installation
    from auth.pages.routes import init_pages_of_auth
    from norms.api import routes as norms_api
    from norms.pages.routes import init_pages_of_norms
    from sharing.api import routes as sharing_api
    from sharing.pages.routes import init_pages_of_sharing
    from sharing.partners import init_feeds
    from sharing.taxii.extension import init_extension
    from sharing.taxii.routes import init_taxii
    from web.errors import init_errors
    from web.headers import init_headers
    from web.installation import current_settings
    from web.landing import init_landing
    from web.openapi import init_api
    from web.pages import init_pages
    from web.requests import init_request_log

    init_request_log(app)
    init_headers(app)
    init_doors(app)
    init_pages(app)
    init_landing(app)
    sign_endpoint(app, "landing", Permission.VISITOR)
    for endpoint in ("health", "static"):
        sign_endpoint(app, endpoint, Permission.PUBLIC)
    init_pages_of_auth(app)
    watch_installation(
        app, _find_revisions, lambda: list_tasks(current_settings()), _list_watched_feeds
    )
    init_feeds(app)
    init_pages_of_sharing(app)
    init_pages_of_norms(app)
    init_oauth(app)
    init_taxii(app)
    init_extension(app)
    api = init_api(app)
    sign_endpoint(app, "api-docs.openapi_json", Permission.PUBLIC)
    for blueprint in (*auth_api.BLUEPRINTS, *norms_api.BLUEPRINTS, *sharing_api.BLUEPRINTS):
        api.register_blueprint(blueprint)
    init_errors(app)


@click.group(
    cls=LazyGroup,
    lazy={
        "accepts": (
            "sharing.cli.policies:accepts",
            "What a member declines to receive in a forum.",
        ),
        "collection": (
            "sharing.cli.collections:collection",
            "Collections of a forum: who reads, who writes, how much.",
        ),
        "credential": (
            "auth.cli.credentials:credential",
            "API credentials of members and partners.",
        ),
        "db": ("migrations.commands:db", "The database's schema."),
        "demo": (
            "sharing.demo.command:demo",
            "Start afresh in var/demo with fictional States, and serve it.",
        ),
        "doctor": (
            "sharing.cli.doctor:doctor",
            "What is misconfigured, one line each with its mend.",
        ),
        "explain": (
            "sharing.cli.explanations:explain",
            "Why an object goes where it goes, as the asker may know it.",
        ),
        "export": (
            "sharing.cli.exports:export",
            "Write what a member sees in a collection to a file.",
        ),
        "feed": (
            "sharing.cli.feeds:feed_",
            "Partner feeds: pull from a TAXII server, push to one.",
        ),
        "forum": (
            "sharing.cli.forums:forum",
            "Bodies in which States meet; an open one is an API root.",
        ),
        "forum-policy": (
            "sharing.cli.forum_policies:forum_policy",
            "A forum's own withhold rules, and its new seats' policy.",
        ),
        "import": ("sharing.cli.imports:import_", "Contribute files of STIX as a member."),
        "member": ("sharing.cli.members:member", "States and organisations that take part here."),
        "norms": ("norms.cli.commands:norms", "What was agreed, by whom, since when."),
        "partner": ("sharing.cli.partners:partner", "Recipients of a forum that are no members."),
        "person": (
            "auth.cli.persons:person",
            "People who act for a member, a forum or this installation.",
        ),
        "provider": (
            "auth.cli.providers:provider",
            "Members' own identity providers, at which their people sign in.",
        ),
        "policy": ("sharing.cli.policies:policy", "What a member shares with whom in a forum."),
        "recall": (
            "sharing.cli.recalls:recall_",
            "Take back what was served; notices and receipts.",
        ),
        "release": (
            "sharing.cli.releases:release",
            "Versions held for approval, and their release.",
        ),
        "seat": ("sharing.cli.seats:seat", "Which members read and write in which forum."),
        "tool": ("auth.cli.tools:tool", "Tools that people may let in to act for them."),
    },
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.pass_context
def main(context: click.Context) -> None:
    """States keep agreed norms on record and share threat intelligence, each under its policy."""
    context.obj = _prepare
    # What a demonstration shows besides what is shared.
    context.meta[REGISTER] = _load_register
    context.meta[EXAMPLE] = _record_example


@main.command()
@click.option("--host", default="127.0.0.1", metavar="H", show_default=True)
@click.option("--port", default=8000, type=click.IntRange(0, 65535), metavar="P", show_default=True)
@click.option("--workers", default=1, type=click.IntRange(1, 64), metavar="N", show_default=True)
def serve(*, host: str, port: int, workers: int) -> None:
    """Serve the exchange until it is told to stop.

    Says where it listens on standard error once it answers. SIGTERM, or Ctrl-C, ends it when what
    was begun is answered; a second Ctrl-C at once.
    """
    from kernel.commands import open_workplace, refusals_told
    from web.serving import serve as serve_web

    with refusals_told():
        with importing():
            # Makes a new embedded database, refuses one that is behind; closed before any fork.
            with open_workplace() as workplace:
                settings = workplace.settings
                _ = workplace.signer
            # Before the forks: workers share it, and begin sooner. It connects to nothing yet.
            application = create_app(settings)
            list_tasks(settings)
        # An envelope of a thousand objects keeps all that it makes until its end, and looking for
        # cycles in that took a sixth of its time: not before as much has been made as that.
        gc.set_threshold(200_000, 20, 10)
        serve_web(
            lambda: application,
            settings,
            host=host,
            port=port,
            workers=workers,
            duty=(lambda goes_on: _work(settings, goes_on)) if settings.embedded_worker else None,
        )


@main.command()
def worker() -> None:
    """Do what falls due (as each server's embedded worker does) until SIGTERM or SIGINT."""
    import signal

    from kernel.commands import open_workplace, refusals_told

    told: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda signum, _frame: told.append(signum))
    with refusals_told():
        with open_workplace() as workplace:
            settings = workplace.settings
        _work(settings, lambda: not told)


def list_tasks(settings: Settings) -> tuple[Task, ...]:
    """The due work of every room, in the order in which it is looked for."""
    from auth.tasks import TASKS as OF_AUTH
    from kernel.signing import open_signer
    from sharing.feeds.running import open_runner
    from sharing.tasks import TASKS as OF_SHARING
    from sharing.tasks import feed_tasks

    feeds = feed_tasks(lambda database: open_runner(database, settings, open_signer(settings)))
    return (*OF_SHARING, *OF_AUTH, *feeds)


def _work(settings: Settings, goes_on: Callable[[], bool]) -> None:
    """Do what is due until `goes_on` says no, with a database of this process's own."""
    from kernel.db import Database
    from kernel.worker import run_worker

    connect_rooms()
    database = Database.open(settings)
    try:
        run_worker(database, list_tasks(settings), go_on=goes_on)
    finally:
        database.close()


def _find_revisions(database: Database) -> dict[str, tuple[str | None, str]]:
    """By schema: the revision that the database is at, and this release's."""
    import migrations

    newest = migrations.newest()
    return {name: (at, newest[name]) for name, at in migrations.current(database).items()}


def _list_watched_feeds(database: Database) -> list[WatchedFeed]:
    """Every partner feed as the operator's page shows it."""
    from auth.pages.operator import WatchedFeed
    from sharing.queries.feed_lists import list_operated_standing

    found = []
    with database.read() as connection:
        for one in list_operated_standing(connection):
            feed, last = one.feed, one.last
            failed = last if last is not None and last.state == "failed" else None
            is_troubled = feed.is_troubled and feed.state == "active"
            found.append(
                WatchedFeed(
                    name=feed.name,
                    member=feed.member_code,
                    direction=feed.direction,
                    peer=feed.peer,
                    state="troubled" if is_troubled else feed.state,
                    failures=feed.failures,
                    step=failed.step if failed else None,
                    code=failed.code if failed else None,
                    success_us=one.success_us,
                    next_us=feed.next_us,
                )
            )
    return found


def _load_register(database: Database, now_us: int) -> None:
    """Put the catalogue that comes with this release into the register, and an example."""
    from norms.services.catalogue import load_catalogue, read_example, read_packaged

    with database.write() as connection:
        for document in (read_packaged(), read_example()):
            load_catalogue(connection, document, actor="operator", now_us=now_us)


def _record_example(database: Database, now_us: int) -> None:
    """Let one person of the example's secretariat record what waits for the other."""
    from auth.services import secretariat_reader
    from norms.services.catalogue import read_example_act
    from norms.services.declaring import declare
    from sharing.demo.making import SECRETARIAT

    with database.write() as connection:
        reader = secretariat_reader(connection, SECRETARIAT[0])
        declare(connection, reader, read_example_act(), now_us=now_us)


def _prepare(settings: Settings, database: Database) -> None:
    from migrations.commands import prepare_database

    connect_rooms()
    prepare_database(settings, database)


if __name__ == "__main__":
    main()
