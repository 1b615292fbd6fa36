"""OAuth 2.0 by Authlib: tokens for credentials, and for tools that people let in.

`clients` says who asks, `grants` what can be exchanged for tokens, `consent` is the page on which
a person agrees, `routes` the rest of the addresses. What does not live here: checking a presented
token (authentication), what is written down of a grant (services).
"""

from auth.oauth.routes import init_oauth

__all__ = ["init_oauth"]
