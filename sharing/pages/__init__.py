"""Pages for liaisons: what is new to us, what we share with whom, and why."""
