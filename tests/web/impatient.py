"""`comity` with gunicorn's own worker with threads in place of ours: what slow clients starve.

For the control of the tests of slow clients. Run as `python -m tests.web.impatient serve ...`.
"""

from __future__ import annotations

from gunicorn.workers.gthread import ThreadWorker

import web.serving
from app import main

if __name__ == "__main__":
    web.serving.PatientWorker = ThreadWorker
    main()
