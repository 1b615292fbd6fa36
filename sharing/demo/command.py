"""`comity demo`: two fictional States exchange STIX on this machine, from nothing to serving."""

from __future__ import annotations

import ipaddress
import json
import os
import shlex
import socket
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Final

import click

from kernel import clock
from kernel.commands import EXAMPLE, REGISTER, Load, Prepare, refusals_told
from kernel.db import Database
from kernel.errors import BadInput, Conflict
from kernel.logs import configure_logging
from kernel.settings import PREFIX, Settings, load_settings
from kernel.signing import open_signer
from sharing.demo.explaining import Account, explain_demo
from sharing.demo.folder import fresh_folder
from sharing.demo.lines import list_lines
from sharing.demo.making import Made, make_demo
from sharing.demo.second import Second, make_second, second_settings, serving_second
from sharing.demo.telling import demo_document, demo_text

FOLDER: Final = "demo"
_LOOPBACK: Final = "127.0.0.1"


@click.command()
@click.option("--host", default="127.0.0.1", metavar="H", show_default=True)
@click.option("--port", default=8000, type=click.IntRange(0, 65535), metavar="P", show_default=True)
@click.option("--no-serve", is_flag=True, help="Make it and print it; serve nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def demo(context: click.Context, *, host: str, port: int, no_serve: bool, as_json: bool) -> None:
    """Start afresh in var/demo: two States, a policy each, sample STIX; then serve it.

    One of the States has an installation of its own besides, in a process of its own, that feeds
    from this one. Nothing but the folder `demo` in the data folder is touched. --port 0 takes any
    free port.
    """
    with refusals_told():
        settings = _settle(load_settings())
        if not no_serve:
            port = _find_port(host, port)
        with fresh_folder(settings.data_path):
            url = _url(host, port)
            made, accounts = _make(context, settings)
            second = _make_second(context, settings, made, url)
            second_port = 0 if no_serve else _find_port(_LOOPBACK, 0)
            if not no_serve:
                second = replace(second, url=_url(_LOOPBACK, second_port))
            lines = list_lines(url, made)
            told = (
                json.dumps(demo_document(url, made, lines, second), ensure_ascii=False)
                if as_json
                else demo_text(url, made, lines, accounts, second)
                + _next_step(settings, no_serve=no_serve)
            )
            # As bytes, and at once: whoever reads a pipe waits for it while we serve.
            click.echo(told.encode("utf-8"))
            sys.stdout.flush()
            if not no_serve:
                with serving_second(second, there=url, port=second_port):
                    _serve(context, settings, host, port)


def _settle(settings: Settings) -> Settings:
    """The demonstration's own settings: what an installation has set is none of its business."""
    return replace(
        settings,
        data_dir=str(settings.data_path.absolute() / FOLDER),
        database_url="",
        secret_key="",
        public_url="",
        trusted_proxies=0,
    )


def _make(context: click.Context, settings: Settings) -> tuple[Made, Sequence[Account]]:
    configure_logging(settings)
    database = Database.open(settings)
    try:
        prepare: Prepare | None = context.find_root().obj
        if prepare is not None:
            prepare(settings, database)
        load: Load | None = context.meta.get(REGISTER)
        if load is not None:
            load(database, clock.now_us())
        made = make_demo(database, open_signer(settings), clock=clock.now_us)
        act: Load | None = context.meta.get(EXAMPLE)
        if act is not None:
            act(database, clock.now_us())
        return made, explain_demo(database, made.collection_uuid, now_us=clock.now_us())
    finally:
        # Before any fork: a connection never crosses one.
        database.close()


def _make_second(context: click.Context, settings: Settings, made: Made, url: str) -> Second:
    theirs = second_settings(settings)
    database = Database.open(theirs)
    try:
        prepare: Prepare | None = context.find_root().obj
        if prepare is not None:
            prepare(theirs, database)
        return make_second(database, theirs, made, there=url)
    finally:
        database.close()


def _next_step(settings: Settings, *, no_serve: bool) -> str:
    if no_serve:
        return f"\nServe it with COMITY_DATA_DIR={shlex.quote(settings.data_dir)} comity serve\n"
    return "\nServing until you press Ctrl-C.\n"


def _serve(context: click.Context, settings: Settings, host: str, port: int) -> None:
    """Go on as `comity serve`, which the root command knows."""
    root = context.find_root()
    group = root.command
    serve = group.get_command(root, "serve") if isinstance(group, click.Group) else None
    if serve is None:
        raise BadInput("sharing.demo-no-server", "this command cannot serve; use --no-serve")
    for key, value in asdict(settings).items():
        os.environ[PREFIX + key.upper()] = str(value)
    context.invoke(serve, host=host, port=port)


def _find_port(host: str, port: int) -> int:
    """The port, or any free one for 0. Raises Conflict when it cannot be listened on."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            found: int = probe.getsockname()[1]
    except OSError as fault:
        reason = fault.strerror or str(fault)
        raise Conflict(
            "sharing.demo-port",
            f"cannot listen on {host} port {port} ({reason}); choose another, say --port 0",
        ) from None
    return found


def _url(host: str, port: int) -> str:
    """The address that a browser or client on this machine can use; it ends in a slash."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"http://{host}:{port}/"
    if address.is_unspecified:
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    shown = f"[{address}]" if address.version == 6 else str(address)
    return f"http://{shown}:{port}/"
