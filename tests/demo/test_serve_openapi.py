"""The OpenAPI description: complete, and what schemathesis finds when it takes it at its word."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the server needs fastapi: pip install '.[serve]'")

from demo.plugins.catalogue import skills

from .serving import BASE, served

KEY = "a-key"
APP = served(api_key=KEY).app


def test_every_operation_names_its_statuses() -> None:
    described = APP.openapi()
    found = {f"{method} {path}": set(map(int, operation["responses"])) for path,
    operations in described["paths"].items()
             for method, operation in operations.items()}  # fmt: skip
    generating = {200, 400, 401, 403, 404, 408, 413, 415, 429, 500, 503, 504}
    assert found == {
        "get /livez": {200, 403, 500},
        "get /readyz": {200, 403, 500, 503},
        "get /metrics": {200, 401, 403, 500},
        "get /v1/models": {200, 401, 403, 500},
        "get /v1/models/{model}": {200, 401, 403, 404, 500},
        "post /v1/chat/completions": generating,
        "post /v1/audio/transcriptions": generating,
        "get /v1/skills": {200, 401, 403, 500},
        **{f"post /v1/skills/{name}": generating for name in skills()},
    }
    chat = described["paths"]["/v1/chat/completions"]["post"]
    assert set(chat["responses"]["200"]["content"]) == {"application/json", "text/event-stream"}
    assert set(chat["requestBody"]["content"]) == {"application/json"}
    form = described["paths"]["/v1/audio/transcriptions"]["post"]["requestBody"]["content"]
    assert set(form) == {"multipart/form-data"}
    assert described["components"]["schemas"]["ChatRequest"]["additionalProperties"] is False
    body = described["paths"]["/v1/skills/ask"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    asked = described["components"]["schemas"][body["$ref"].rpartition("/")[2]]
    assert set(asked["properties"]) == {"question", "images", "sounds", "max_new_tokens", "model"}
    assert asked["additionalProperties"] is False
    assert "422" not in str(found) and "security" not in described["paths"]["/livez"]["get"]


schemathesis = pytest.importorskip("schemathesis")
schema = schemathesis.openapi.from_dict(APP.openapi())
schema.app = APP


@pytest.mark.slow
@schema.parametrize()
def test_nothing_undocumented(case: Any) -> None:
    """Positive and negative data. Not asked: that all positive data is answered (a conversation may be senseless)."""
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    case.call_and_validate(
        base_url=BASE, headers={"Authorization": f"Bearer {KEY}"}, excluded_checks=[positive_data_acceptance]
    )  # fmt: skip
