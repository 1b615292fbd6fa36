"""Measurements that anyone can repeat: `make bench`.

Every figure is a ratio taken in one run, beside a peer that serves the same objects on the same
engine under the same HTTP server: OpenTAXII, and a bare Flask view that returns the same bytes
prebuilt. Nothing here is asserted; no test depends on a time.
"""
