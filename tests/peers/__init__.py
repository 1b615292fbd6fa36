"""TAXII 2.1 servers of others, each a process in a virtual environment of its own."""
