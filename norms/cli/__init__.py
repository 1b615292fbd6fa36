"""`comity norms`."""
