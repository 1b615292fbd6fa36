"""A demonstration: two fictional States exchange STIX, each under a policy of its own.

Everything is made through the product's own verbs, in a folder of its own. What does not
live here: anything that an installation needs.
"""
