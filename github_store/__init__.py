"""GitHub as a database: incidents are issues, monitor status is committed JSON."""

from github_store.checkup import check_up
from github_store.committer import Rhythm
from github_store.current_monitors import CurrentMonitors
from github_store.direct_push import DirectPush, open_direct_push
from github_store.errors import (
    AccessLost,
    BrokenDocument,
    ConfigurationError,
    Conflict,
    GitHubOut,
    GitHubTimeout,
    GitHubUnavailable,
    IncidentEdited,
    IncidentNotFound,
    InvalidEnd,
    JournalUnavailable,
    KeyReused,
    OutcomePending,
    OutcomeUnknown,
    RateLimited,
    StoreError,
    Unprocessable,
)
from github_store.finding import Finding, Grade
from github_store.freshness import Freshness
from github_store.gateway import (
    GITHUB_API_URL,
    THREADS,
    AppCredential,
    Credential,
    Exchange,
    TokenCredential,
)
from github_store.hook_setup import HOOK_PATH, point_hook
from github_store.inbox import ForgedDelivery, Inbox, MalformedDelivery
from github_store.incident import (
    KEY_COMMENT_ROOM,
    MAX_BODY_LENGTH,
    MAX_TITLE_LENGTH,
    Impact,
    Incident,
    IncidentFields,
    body_length,
    incident_etag,
)
from github_store.incident_changes import StatusUpdate
from github_store.incident_store import IncidentStore
from github_store.incident_updates import IncidentComment
from github_store.journal_damage import Damage, damages_below
from github_store.keyed_writes import RequestKey
from github_store.labels import MAX_LABEL_LENGTH
from github_store.late_start import LateStart
from github_store.monitor import Monitor, Monitors, Status
from github_store.monitors_yaml import parse_monitors
from github_store.private_files import (
    make_private,
    make_private_directory,
    open_to_others,
    write_private_file,
)
from github_store.read_trace import Outcome, ReadTrace
from github_store.recurring_lines import RecurringLines
from github_store.repository_labels import LabelHealth
from github_store.request_kind import request_kind
from github_store.sample import Sample
from github_store.search_query import SearchFilter
from github_store.similar_names import similar_name
from github_store.status_store import StatusHealth, StatusStore
from github_store.store import Store, open_store
from github_store.timestamps import LATEST
from github_store.window_status import MonitorStatus

__all__ = [
    "GITHUB_API_URL",
    "HOOK_PATH",
    "KEY_COMMENT_ROOM",
    "LATEST",
    "MAX_BODY_LENGTH",
    "MAX_LABEL_LENGTH",
    "MAX_TITLE_LENGTH",
    "THREADS",
    "AccessLost",
    "AppCredential",
    "BrokenDocument",
    "ConfigurationError",
    "Conflict",
    "Credential",
    "CurrentMonitors",
    "Damage",
    "DirectPush",
    "Exchange",
    "Finding",
    "ForgedDelivery",
    "Freshness",
    "GitHubOut",
    "GitHubTimeout",
    "GitHubUnavailable",
    "Grade",
    "Impact",
    "Inbox",
    "Incident",
    "IncidentComment",
    "IncidentEdited",
    "IncidentFields",
    "IncidentNotFound",
    "IncidentStore",
    "InvalidEnd",
    "JournalUnavailable",
    "KeyReused",
    "LabelHealth",
    "LateStart",
    "MalformedDelivery",
    "Monitor",
    "MonitorStatus",
    "Monitors",
    "Outcome",
    "OutcomePending",
    "OutcomeUnknown",
    "RateLimited",
    "ReadTrace",
    "RecurringLines",
    "RequestKey",
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
    "check_up",
    "damages_below",
    "incident_etag",
    "make_private",
    "make_private_directory",
    "open_direct_push",
    "open_store",
    "open_to_others",
    "parse_monitors",
    "point_hook",
    "request_kind",
    "similar_name",
    "write_private_file",
]
