"""The properties of the document as tests: ``pytest --pyargs jaxgrad.properties``."""

from __future__ import annotations

import pytest

from jaxgrad.properties.document import DOCUMENT, Property, outcome_of

_NAMES = [f"{one.name.partition(',')[0]}-{k}" for k, one in enumerate(DOCUMENT, 1)]


@pytest.mark.parametrize("property", DOCUMENT, ids=_NAMES)
def test_property_of_the_document(property: Property) -> None:
    found = outcome_of(property)
    assert found.verdict is property.expected, str(found)
