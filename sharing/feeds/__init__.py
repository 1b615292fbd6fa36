"""Partner feeds at work: pull from a TAXII 2.1 server, push to one, on the worker's time."""
