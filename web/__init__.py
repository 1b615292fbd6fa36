"""Answering over HTTP without knowing any domain: errors, headers, problems, the server.

What does not live here: who is asking (auth), forums, members, STIX.
"""
