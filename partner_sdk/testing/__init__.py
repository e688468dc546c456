"""Testing an integration without a hub: a whole one inside the test's own process, which can also fail on purpose.

    from partner_sdk.testing import Fault, LocalHub

    hub = LocalHub()
    with hub.client("grocer") as client:
        hub.fail_next(Fault.ANSWER_LOST)
        client.redeem("till4-000123-r", "card:1234", 500)

For pytest there are fixtures in `partner_sdk.testing.fixtures`; importing this package needs no pytest.
"""

from partner_sdk.testing.faults import Fault
from partner_sdk.testing.gate import Delivery, RegisteredKey
from partner_sdk.testing.hub import LocalHub, Seen
from partner_sdk.testing.terms import Terms

__all__ = ["Delivery", "Fault", "LocalHub", "RegisteredKey", "Seen", "Terms"]
