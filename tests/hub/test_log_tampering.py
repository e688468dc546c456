"""Rows of events and of the log, altered by hand in every way: the log's proof finds each and names it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from hub.services import log_check, log_proofs, sealing
from partner_sdk.wire.checkpoints import origin_of, parse_checkpoint
from tests.support import coalition, eventful
from tests.support.coalition import Coalition
from tests.support.services import earn, post_alone

CHANGES: dict[str, str] = {
    "kind": "'void'", "member_id": "member_id + 1", "status": "'rejected', error_code = 'x'", "points": "points + 1",
    "occurred_at": "occurred_at + interval '1 microsecond'", "posted_at": "posted_at + interval '1 microsecond'",
    "business_date": "business_date + 1", "content": "'\\x00'", "amount_minor": "amount_minor + 1",
    "currency": "'EUR'", "rate_version": "rate_version + 1", "expires_on": "expires_on + 1",
    "matures_on": "'2030-01-01'", "store": "''", "terminal": "''", "channel": "''", "items": "''",
    "evidence_id": "NULL", "refers_to": "'e2'", "returned_before": "0", "priced_by": "'fuel'",
    "scheme_rule": "'x'", "details": "'{}'",
}  # fmt: skip
"""A change of each column of an event but its name and its transaction; ``error_code`` changes with ``status``."""
E1, E2, OF = "event grocer/z1", "event grocer/z2", "WHERE event_id = 'z1'"
ITS_TX = f"WHERE tx = (SELECT tx FROM hub.event {OF})"
COPY = "kind, member_id, status, points, occurred_at, posted_at, business_date, content"
FORGE = f"""
    INSERT INTO hub.event (partner_id, event_id, {COPY}, tx)
    SELECT partner_id, 'forged', {COPY}, {{}} FROM hub.event {OF}
"""
FLIPPED = "UPDATE hub.log_tile SET hashes = set_byte(hashes, 5, 255 - get_byte(hashes, 5))"
FIRST, LAST = "WHERE level = 0 AND number = 0", "WHERE level = 0 AND number = 1"
SWAP = """
    UPDATE hub.event SET event_id = 'x' WHERE event_id = 'z1';
    UPDATE hub.event SET event_id = 'z1' WHERE event_id = 'z2';
    UPDATE hub.event SET event_id = 'z2' WHERE event_id = 'x'
"""
REORDER = f"""
    UPDATE hub.log_tile SET names = names[2:2] || names[1:1] || names[3:],
        hashes = substr(hashes, 33, 32) || substr(hashes, 1, 32) || substr(hashes, 65) {FIRST}
"""
CUT_BACK = """
    DELETE FROM hub.log_head WHERE size > 2;
    DELETE FROM hub.log_tile WHERE number > 0 OR level > 0;
    UPDATE hub.log_tile SET hashes = substr(hashes, 1, 64), names = names[1:2];
    DELETE FROM hub.log_posting WHERE first_position > 1;
    UPDATE hub.log_progress SET size = 2
"""
CASES: dict[str, tuple[str, set[str]]] = {
    "event dropped": (f"DELETE FROM hub.event {OF}", {E1}),
    "event renamed": (f"UPDATE hub.event SET event_id = 'x' {OF}", {E1, "event grocer/x"}),
    "event of another partner": (f"UPDATE hub.event SET partner_id = 'fuel' {OF}", {E1, "event fuel/z1"}),
    "event moved to an older transaction": (f"UPDATE hub.event SET tx = '3' {OF}", {E1}),
    "event moved to a later transaction": (f"UPDATE hub.event SET tx = '99999999' {OF}", {E1}),
    "events that change places": (SWAP, {E1, E2}),
    "event slipped in": (FORGE.format("tx"), {"event grocer/forged"}),
    "event slipped into an old transaction": (FORGE.format("'4'"), {"event grocer/forged"}),
    "posting dropped": (f"DELETE FROM hub.log_posting {ITS_TX}", {E1, "posting of grocer"}),
    "posting moved": (f"UPDATE hub.log_posting SET first_position = 2 {ITS_TX}", {E1, "posting of grocer"}),
    "posting of more events": (f"UPDATE hub.log_posting SET events = 2 {ITS_TX}", {"posting of grocer"}),
    "salt of contents": (f"UPDATE hub.log_posting SET content_salt = record_salt {ITS_TX}", {E1}),
    "salt of records": (f"UPDATE hub.log_posting SET record_salt = content_salt {ITS_TX}", {E1}),
    "leaf flipped": (f"{FLIPPED} {FIRST}", {E1, "tile 0/0", "head 1", "head 2"}),
    "leaf of the last tile flipped": (f"{FLIPPED} {LAST}", {"event fuel/many-", "head 3"}),
    "name changed": (f"UPDATE hub.log_tile SET names[1] = 'x' {FIRST}", {E1, "event grocer/x"}),
    "leaves reordered": (REORDER, {"tile 0/0", "head 1"}),
    "tile cut short": (
        f"UPDATE hub.log_tile SET hashes = substr(hashes, 1, 320), names = names[1:10] {FIRST}", {"tile 0/0"},
    ),
    "tile dropped": (f"DELETE FROM hub.log_tile {FIRST}", {"tile 0/0", "head 1", E1}),
    "upper tile dropped": ("DELETE FROM hub.log_tile WHERE level = 1", {"tile 1/0"}),
    "upper tile flipped": (f"{FLIPPED} WHERE level = 1", {"tile 0/0"}),
    "tile too many": (
        f"INSERT INTO hub.log_tile SELECT 0, 2, hashes, names FROM hub.log_tile {LAST}", {"tile 0/2"},
    ),
    "level too many": ("INSERT INTO hub.log_tile VALUES (2, 0, '', NULL)", {"tile 2/0"}),
    "head flipped": ("UPDATE hub.log_head SET root = sha256(root) WHERE size = 2", {"head 2"}),
    "newest head dropped": ("DELETE FROM hub.log_head WHERE size > 2", {"head 3"}),
    "newest entries dropped": (CUT_BACK, {"event grocer/e1", "event fuel/many-1"}),
}  # fmt: skip


@pytest.fixture(scope="module")
def sealed(module_postgres_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Coalition]:
    """A log of three heads and more than a tile, to which everything happened that a ledger knows."""
    built = coalition.build(module_postgres_url, tmp_path_factory.mktemp("hub"))
    for event_id in ("z1", "z2"):
        earn(built.hub, "grocer", event_id, "card:1", 1_000)
        sealing.seal(built.hub)
    eventful.january(built.hub)
    post_alone(built.hub, "fuel", *(f"many-{number}" for number in range(250)))
    sealing.seal(built.hub)
    yield built
    built.hub.database.dispose()


def findings(built: Coalition, statement: str) -> list[str]:
    """What a check finds once a statement was run; it is rolled back afterwards."""
    with built.hub.database._transactional.connect() as connection:
        for one in statement.split(";"):
            assert connection.execute(text(one)).rowcount, one
        return [": ".join(one) for one in log_check.check(connection).findings]


def test_an_untouched_log_is_sound(sealed: Coalition) -> None:
    report = log_check.run(sealed.hub)
    assert (report.findings, report.size > 256) == ([], True)


@pytest.mark.parametrize("column", CHANGES)
def test_a_change_of_any_column_of_an_event_is_found_and_named(sealed: Coalition, column: str) -> None:
    [finding] = findings(sealed, f"UPDATE hub.event SET {column} = {CHANGES[column]} {OF}")
    assert finding == f"{E1}: is not what was sealed at position 0"


def test_every_column_of_an_event_is_in_its_leaf(sealed: Coalition) -> None:
    with sealed.hub.database.connect() as connection:
        columns = set(connection.execute(text("SELECT * FROM hub.event LIMIT 0")).keys())
    changed = {*CHANGES, "error_code", "partner_id", "event_id", "tx"}
    assert columns == changed, "a new column of events goes into hub.store.log.LEAF"


@pytest.mark.parametrize("case", CASES)
def test_every_kind_of_tampering_is_found_and_named(sealed: Coalition, case: str) -> None:
    statement, expected = CASES[case]
    found = findings(sealed, statement)
    assert {name for name in expected if not any(one.startswith(name) for one in found)} == set(), found


def test_a_log_that_was_cut_back_with_its_events_is_found_by_who_kept_a_checkpoint(sealed: Coalition) -> None:
    note = log_proofs.checkpoint(sealed.hub)["checkpoint"]
    kept = parse_checkpoint(note, origin_of(sealed.hub.keyring.root.public))
    with sealed.hub.database._transactional.connect() as connection:
        for one in CUT_BACK.split(";"):
            connection.execute(text(one))
        connection.execute(text("DELETE FROM hub.event WHERE event_id NOT IN ('z1', 'z2')"))
        alone = log_check.check(connection)
        held_against_it = log_check.check(connection, [(kept.size, kept.root)])
    assert alone.findings == []
    assert [one.row for one in held_against_it.findings] == [f"kept checkpoint of {kept.size}"]
