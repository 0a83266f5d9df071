"""The id of an entry: by it a feed reader knows what it has shown, so it never changes."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from feedsvc.model import ENTRY_NAMESPACE, entry_id


@given(st.text(), st.text())
def test_it_is_a_name_based_uuid_of_message_and_item(key: str, what: str) -> None:
    assert entry_id(key, what) == uuid.uuid5(ENTRY_NAMESPACE, f"{key}\n{what}").urn


def test_it_stays_what_it_was() -> None:
    assert entry_id("a@example.org", "https://example.com/") == "urn:uuid:64fe74c0-1893-5057-9a9c-193fabd7ca9a"
