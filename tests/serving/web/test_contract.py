"""The API keeps what its OpenAPI document says, whatever is asked."""

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.serving.web.running import Server
from tests.serving.web.test_safety import assert_up

# No schema can say that a file is a scan: one that isn't is rejected, however valid the request.
_EXCLUDED = [positive_data_acceptance]


def _fuzz(server: Server, examples: int) -> None:
    document = httpx.get(f"{server.url}/api/v1/openapi.json").json()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=server.url)
    operations = [operation.ok() for operation in schema.get_all_operations()]
    assert {"health", "metrics", "about", "predict"} == {
        operation.definition.raw["operationId"] for operation in operations
    }
    for operation in operations:

        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(
            case=st.one_of(
                operation.as_strategy(),
                operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE),
            )
        )
        def ask(case: schemathesis.Case) -> None:
            case.call_and_validate(timeout=60, excluded_checks=_EXCLUDED)

        ask()
    assert_up(server)


def test_what_is_generated_from_the_document_is_answered_as_it_says(server: Server) -> None:
    _fuzz(server, 25)


@pytest.mark.long
def test_a_lot_that_is_generated_from_the_document_is_answered_as_it_says(server: Server) -> None:
    _fuzz(server, 500)
