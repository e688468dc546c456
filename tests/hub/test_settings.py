"""Settings: every field from its variable, and back, so that a worker process reads what its parent had."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.core.errors import ConfigurationError
from hub.settings import Settings
from hub.start import authorities


def test_every_field_goes_through_the_environment_and_back() -> None:
    chosen = Settings(Path("x"), "postgresql://h/d", "::1", 1, 2, 3, "https://p.example", 4, 5)
    assert Settings.from_environment(chosen.to_environment()) == chosen
    assert Settings.from_environment({}) == Settings()


@pytest.mark.parametrize("value", ["", "-1", "1.5", "ten", "1e3"])
def test_a_number_that_is_none_is_refused(value: str) -> None:
    with pytest.raises(ConfigurationError, match="HANSA_PORT"):
        Settings.from_environment({"HANSA_PORT": value})


def test_a_hub_answers_for_its_public_name_and_for_loopback() -> None:
    assert authorities(Settings(port=8080, public_url="https://Points.example:443")) == {
        "127.0.0.1:8080",
        "localhost:8080",
        "points.example",
    }
    with pytest.raises(ConfigurationError):
        authorities(Settings(public_url="points.example"))
