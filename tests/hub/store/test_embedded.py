"""The embedded PostgreSQL: what its own programs say of a failure reaches the operator."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.core.errors import ConfigurationError
from hub.store import embedded


def test_a_folder_that_cannot_become_a_database_is_told_in_postgresqls_own_words(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("not a database")
    with pytest.raises(ConfigurationError, match="exists but is not empty"):
        embedded.start(tmp_path)
    assert capfd.readouterr() == ("", "")
    assert [one.name for one in tmp_path.iterdir() if one.name == "notes.txt"]
