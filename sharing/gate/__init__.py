"""The gate: STIX 2.1 objects from bytes to checked facts, each standing or falling alone.

Pure: no database, no network, no clock but the instant that is passed in. What does not
live here: who may see an object (rules) and how it is stored (tables, services).
"""
