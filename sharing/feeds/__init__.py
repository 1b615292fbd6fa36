"""Feeds: what is pulled from partners and pushed to them by itself."""
