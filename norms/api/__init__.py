"""The register over `/api/v1/norms`."""
