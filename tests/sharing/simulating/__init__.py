"""Tests of changes that are tried out before they happen."""
