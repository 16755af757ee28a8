"""A local GitHub for tests and for a first start without an account."""

from .faults import Fault, fault_from
from .server import EmbeddedGitHub

__all__ = ["EmbeddedGitHub", "Fault", "fault_from"]
