"""Verbs on partner feeds. What goes over the wire is sharing.feeds; here is what is recorded."""
