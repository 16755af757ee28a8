"""GitHub as a database: incidents are issues, monitor status is committed JSON."""

from github_store.committer import Rhythm
from github_store.direct_push import DirectPush, open_direct_push
from github_store.errors import (
    AccessLost,
    BrokenDocument,
    ConfigurationError,
    Conflict,
    GitHubTimeout,
    GitHubUnavailable,
    IncidentNotFound,
    InvalidEnd,
    JournalUnavailable,
    OutcomeUnknown,
    RateLimited,
    StoreError,
    Unprocessable,
)
from github_store.freshness import Freshness
from github_store.gateway import (
    GITHUB_API_URL,
    AppCredential,
    Credential,
    Exchange,
    TokenCredential,
)
from github_store.incident import (
    MAX_BODY_LENGTH,
    MAX_TITLE_LENGTH,
    Impact,
    Incident,
    IncidentFields,
    body_length,
)
from github_store.incident_store import IncidentComment, IncidentStore, StatusUpdate
from github_store.labels import MAX_LABEL_LENGTH
from github_store.markers import LATEST
from github_store.monitor import Monitor, Monitors, Status, parse_monitors
from github_store.request_kind import request_kind
from github_store.sample import Sample
from github_store.search_query import SearchFilter
from github_store.status_store import StatusHealth, StatusStore
from github_store.store import Store, open_store
from github_store.window_status import MonitorStatus

__all__ = [
    "GITHUB_API_URL",
    "LATEST",
    "MAX_BODY_LENGTH",
    "MAX_LABEL_LENGTH",
    "MAX_TITLE_LENGTH",
    "AccessLost",
    "AppCredential",
    "BrokenDocument",
    "ConfigurationError",
    "Conflict",
    "Credential",
    "DirectPush",
    "Exchange",
    "Freshness",
    "GitHubTimeout",
    "GitHubUnavailable",
    "Impact",
    "Incident",
    "IncidentComment",
    "IncidentFields",
    "IncidentNotFound",
    "IncidentStore",
    "InvalidEnd",
    "JournalUnavailable",
    "Monitor",
    "MonitorStatus",
    "Monitors",
    "OutcomeUnknown",
    "RateLimited",
    "Rhythm",
    "Sample",
    "SearchFilter",
    "Status",
    "StatusHealth",
    "StatusStore",
    "StatusUpdate",
    "Store",
    "StoreError",
    "TokenCredential",
    "Unprocessable",
    "body_length",
    "open_direct_push",
    "open_store",
    "parse_monitors",
    "request_kind",
]
