"""The face of kener-issues: HTTP, settings, command line. Thin: the store does the work."""

from importlib.metadata import version

__version__ = version("kener-issues")
