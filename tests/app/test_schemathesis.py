"""Whatever a client sends, described or not: no server error and no undescribed answer."""

from __future__ import annotations

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from github_store import IncidentFields
from tests.app.service import TOKEN, Service

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def _service() -> Service:
    """With one incident, so that operations on one have something to find."""
    service = Service()
    fields = IncidentFields(title="Down", tags=("earth",))
    client = service.client()
    reply = client.post("/api/incident", json={"title": fields.title, "tags": ["earth"]})
    assert reply.json()["incidentNumber"] == 1
    return service


schema = schemathesis.openapi.from_asgi("/openapi.json", _service().app())
schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])


@schema.parametrize()
@settings(
    max_examples=30,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_a_described_one(case: schemathesis.Case) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {TOKEN}"}, checks=CHECKS)
