"""Commands about credentials and people. They run as the operator, and the audit says so."""
