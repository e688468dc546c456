"""Partners, rates and keys as the operator sets them up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta

import pytest
from sqlalchemy import text

from hub.core.errors import Refused
from hub.services import partners
from hub.services.context import Hub, Partner
from partner_sdk.wire.keys import PrivateKey, key_id, registration
from tests.support import coalition
from tests.support.coalition import Coalition
from tests.support.services import earn
from tests.support.threads import at_once


def _states(hub: Hub, partner: str) -> list[str]:
    return sorted(one["state"] for one in partners.keys(hub, partner))


def test_an_approved_key_lets_the_former_one_retire_in_its_time(built: Coalition) -> None:
    new = PrivateKey.generate()
    coalition.add_key(built.hub, "grocer", new, overlap=timedelta(days=3))
    assert _states(built.hub, "grocer") == ["active", "retiring"]
    coalition.add_key(built.hub, "grocer", PrivateKey.generate(), overlap=timedelta(0))
    assert _states(built.hub, "grocer") == ["active", "retired", "retiring"]


def test_a_revoked_key_never_comes_back(built: Coalition) -> None:
    key, keyid = built.keys["grocer"], built.keyid("grocer")
    assert partners.revoke_key(built.hub, "grocer", keyid)["state"] == "revoked"
    assert partners.register_key(built.hub, registration("grocer", key))["state"] == "revoked"
    for again in (partners.approve_key, partners.revoke_key):
        with pytest.raises(Refused) as refused:
            again(built.hub, "grocer", keyid)
        assert refused.value.code == "not_allowed"


def test_a_key_belongs_to_one_partner(built: Coalition) -> None:
    keyid = built.keyid("grocer")
    with pytest.raises(Refused):
        partners.revoke_key(built.hub, "fuel", keyid)
    same = partners.register_key(built.hub, registration("fuel", built.keys["grocer"]))
    assert same["keyid"] == key_id("fuel", built.keys["grocer"].public)


def test_two_keys_never_share_an_id(built: Coalition) -> None:
    """Ids carry 96 bits of the thumbprint; should two keys ever meet in them, the second is told."""
    key = PrivateKey.generate()
    with built.hub.database.connect() as connection:
        connection.execute(
            text("""INSERT INTO hub.partner_key (keyid, partner_id, public_key, state, registered_at)
                    VALUES (:keyid, 'grocer', :other, 'active', now())"""),
            {"keyid": key_id("grocer", key.public), "other": PrivateKey.generate().public.raw},
        )
        connection.execute(text("UPDATE hub.coalition SET config_version = config_version + 1"))
    with pytest.raises(Refused) as refused:
        partners.register_key(built.hub, registration("grocer", key))
    assert refused.value.code == "key_exists"


def test_versions_set_at_once_are_all_kept(built: Coalition) -> None:
    price = {"numerator": 1, "denominator": 2}
    day = date(2017, 2, 1)
    calls = [lambda: partners.set_rate(built.hub, "grocer", "reimbursement", day, "USD", price)] * 8
    assert sorted(one["version"] for one in at_once(calls)) == list(range(2, 10))


def test_a_change_counts_from_the_next_request_on(built: Coalition) -> None:
    """Each request reads the version of the configuration first, so no process works with an older one."""
    other = Hub(built.hub.database, built.hub.keyring)
    assert earn(other, "grocer", "e1", "card:1", 1_000) == 10
    terms = [{"rule": "linear", "points": 7, "per_minor": 1_000}]
    partners.set_rate(built.hub, "grocer", "earning", date(2017, 1, 2), "USD", terms)
    assert earn(other, "grocer", "e2", "card:1", 1_000) == 7


def test_only_the_partner_that_changed_is_made_anew_and_it_is_as_a_fresh_process_reads_it(built: Coalition) -> None:
    hub = built.hub

    def read(of: Hub) -> Mapping[str, Partner]:
        with of.database.connect() as connection:
            return of.moment(connection).configuration.partners

    before = read(hub)
    price = {"numerator": 3, "denominator": 4}
    changes: list[Callable[[], object]] = [
        lambda: partners.set_rate(hub, "grocer", "reimbursement", date(2030, 1, 1), "EUR", price),
        lambda: partners.set_contract(hub, "grocer", date(2030, 1, 1), 7, True, {}),
        lambda: partners.set_status(hub, "grocer", "suspended"),
        lambda: partners.set_limit(hub, "grocer", 50),
    ]
    for change in changes:
        change()
        after = read(hub)
        assert after["grocer"] is not before["grocer"]
        assert all(after[name] is before[name] for name in before if name != "grocer")
        fresh = Hub(hub.database, hub.keyring)
        assert [partners.show(hub, name) for name in after] == [partners.show(fresh, name) for name in after]
        before = after
