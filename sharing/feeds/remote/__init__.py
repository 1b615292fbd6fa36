"""A partner's TAXII 2.1 server, asked through taxii2-client's classes over our own session.

What does not live here: the database, cursors, and what becomes of what was read.
"""
