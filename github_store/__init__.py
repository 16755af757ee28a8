"""GitHub as a database: incidents are issues, monitor status is committed JSON."""
