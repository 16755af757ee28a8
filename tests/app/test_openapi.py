"""The description is valid OpenAPI 3.1, and describes what the service does: all, and no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml
from fastapi import FastAPI
from openapi_schema_validator import OAS31Validator
from schemathesis.specs.openapi.definitions import OPENAPI_31
from starlette.routing import Route

from app import __version__
from app.openapi import openapi_document
from tests.app.service import Service

DOCUMENT = openapi_document()
OPERATION_IDS = {
    "updateMonitorStatus": ("post", "/api/status"),
    "getMonitorStatus": ("get", "/api/status"),
    "createIncident": ("post", "/api/incident"),
    "searchIncidents": ("get", "/api/incident"),
    "getIncident": ("get", "/api/incident/{incidentNumber}"),
    "updateIncident": ("patch", "/api/incident/{incidentNumber}"),
    "addIncidentComment": ("post", "/api/incident/{incidentNumber}/comment"),
    "getIncidentComments": ("get", "/api/incident/{incidentNumber}/comment"),
    "updateIncidentStatus": ("post", "/api/incident/{incidentNumber}/status"),
    "getHealth": ("get", "/healthz"),
    "getReadiness": ("get", "/readyz"),
}
NOT_DESCRIBED = {"/", "/openapi.json", "/openapi.yaml", "/api-reference", "/metrics"}


def operations() -> Iterator[tuple[str, str, Any]]:
    """Method, path and description of each."""
    for path, item in DOCUMENT["paths"].items():
        for method in item.keys() & {"get", "post", "patch", "put", "delete"}:
            yield method, path, item[method]


def resolved(node: Any) -> Any:
    while "$ref" in node:
        found: Any = DOCUMENT
        for key in node["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        node = found
    return node


def media_types() -> Iterator[tuple[str, Any]]:
    """Every body there is, by a name."""
    for method, path, operation in operations():
        name = f"{method} {path}"
        if "requestBody" in operation:
            yield name, operation["requestBody"]["content"]["application/json"]
        for status, answer in operation["responses"].items():
            if status != "304":  # which has no body
                yield f"{name} {status}", resolved(answer)["content"]["application/json"]


def parameters() -> Iterator[tuple[str, Any]]:
    for method, path, operation in operations():
        shared = DOCUMENT["paths"][path].get("parameters", [])
        for parameter in map(resolved, [*shared, *operation.get("parameters", [])]):
            yield f"{method} {path} {parameter['name']}", parameter


def validator(schema: Any) -> OAS31Validator:
    return OAS31Validator({**schema, "components": DOCUMENT["components"]})


def test_the_description_is_valid_openapi_3_1() -> None:
    jsonschema.Draft202012Validator(OPENAPI_31).validate(DOCUMENT)


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_every_schema_is_a_valid_schema(name: str) -> None:
    OAS31Validator.check_schema(DOCUMENT["components"]["schemas"][name])


def test_every_reference_leads_somewhere_and_every_component_is_used() -> None:
    text = yaml.safe_dump(DOCUMENT, sort_keys=False)
    used = set(re.findall(r"#/components/(\w+)/([\w-]+)", text))
    there = {
        (kind, name)
        for kind, components in DOCUMENT["components"].items()
        if kind != "securitySchemes"
        for name in components
    }
    assert used == there


def test_both_formats_are_the_same_description() -> None:
    client = Service().client(token=None)
    assert client.get("/openapi.json").json() == DOCUMENT
    answer = client.get("/openapi.yaml")
    assert yaml.safe_load(answer.content) == DOCUMENT
    assert answer.headers["content-type"] == "application/yaml"


def test_the_description_has_the_version_of_the_package() -> None:
    assert DOCUMENT["info"]["version"] == __version__


def test_operations_have_their_known_ids() -> None:
    found = {operation["operationId"]: (method, path) for method, path, operation in operations()}
    assert found == OPERATION_IDS


def test_every_route_is_described_and_nothing_else_is() -> None:
    framework = Service().app().routed
    assert isinstance(framework, FastAPI)
    routes = {
        (method.lower(), re.sub(r"\{number\}", "{incidentNumber}", route.path))
        for route in framework.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    described = {(method, path) for method, path, _ in operations()}
    undescribed = {path for _, path in routes - described}
    assert described <= routes
    assert {path for path in undescribed if not path.startswith("/assets/")} == NOT_DESCRIBED


def test_every_operation_of_the_api_needs_the_token() -> None:
    assert DOCUMENT["security"] == [{"bearerAuth": []}]
    for _, path, operation in operations():
        assert ("security" in operation) == (not path.startswith("/api/"))


@pytest.mark.parametrize(
    "operation_id", sorted(OPERATION_IDS.keys() - {"getHealth", "getReadiness"})
)
def test_every_error_of_an_operation_is_described(operation_id: str) -> None:
    method, path = OPERATION_IDS[operation_id]
    operation = DOCUMENT["paths"][path][method]
    expected = {"200", "400", "401", "500", "502", "503", "504"}
    if "incidentNumber" in path:
        expected.add("404")
    if method == "get":
        expected.add("304")
    if "requestBody" in operation:
        expected |= {"403", "413", "422"}
    if any("IfMatch" in str(each) for each in operation.get("parameters", [])):
        expected.add("412")
    assert set(operation["responses"]) == expected


def test_every_body_has_examples_that_are_valid() -> None:
    for name, media in media_types():
        examples = [media["example"]] if "example" in media else []
        examples += [example["value"] for example in media.get("examples", {}).values()]
        assert examples, name
        for example in examples:
            validator(media["schema"]).validate(example)


def test_every_parameter_is_explained_and_its_example_valid() -> None:
    for name, parameter in parameters():
        assert parameter["description"], name
        if "example" in parameter:
            validator(parameter["schema"]).validate(parameter["example"])


def test_the_example_of_a_creation_works() -> None:
    operation = DOCUMENT["paths"]["/api/incident"]["post"]
    client = Service().client()
    for example in operation["requestBody"]["content"]["application/json"]["examples"].values():
        assert client.post("/api/incident", json=example["value"]).status_code == 200
