"""The face of kener-issues: HTTP, settings, command line. Thin: the store does the work."""
