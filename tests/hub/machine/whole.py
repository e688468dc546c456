"""The whole machine, with the commands of all files, and its run."""

from __future__ import annotations

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from hub.services.context import Hub
from tests.hub.machine.between import Between
from tests.hub.machine.clawbacks import Clawbacks
from tests.hub.machine.days import Days
from tests.hub.machine.exchanges import Exchanges
from tests.hub.machine.filed import Files
from tests.hub.machine.lives import Lives
from tests.hub.machine.merging import Merging
from tests.hub.machine.redemptions import Redemptions
from tests.hub.machine.returns import Returns


class Machine(Files, Clawbacks, Redemptions, Returns, Between, Merging, Lives, Exchanges, Days):
    """Every command there is."""


def run(hub: Hub, examples: int, steps: int, number: int | None = None, machine: type[Machine] = Machine) -> None:
    """Run so many examples of at most so many commands each, from a seed that makes them the same again."""

    class Bound(machine):  # type: ignore[valid-type,misc]
        def __init__(self) -> None:
            super().__init__(hub)

    limits = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Bound if number is None else seed(number)(Bound), settings=limits)
