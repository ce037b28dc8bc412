"""See README.md of the report."""
