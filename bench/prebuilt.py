"""The floor: a bare Flask view that returns bytes it was given, under the same server."""

from __future__ import annotations

import os
from pathlib import Path

from flask import Flask, Response, request

from bench.measure import TAXII

app = Flask("prebuilt")
_BODIES = {path.name: path.read_bytes() for path in Path(os.environ["BENCH_BODIES"]).iterdir()}


@app.get("/objects/")
def objects() -> Response:
    """The body that was kept under the value of `limit`."""
    return Response(_BODIES[request.args["limit"]], content_type=TAXII)
