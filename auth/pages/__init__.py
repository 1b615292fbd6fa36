"""Pages about who is asking: signing in, one's own account, members and their people."""
