"""What is wrong with a file, or with one of its rows. The words name places, never what stands there."""

from __future__ import annotations

from hub.core.errors import HubError


class RowRefused(HubError):
    """A row is no record; it is answered with ``code`` and the others go on."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


class FileFault(HubError):
    """A file is refused as a whole, and nothing of it is posted."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


MALFORMED_ROW, MALFORMED, TRUNCATED, TOTALS = "row_malformed", "file_malformed", "file_truncated", "totals_mismatch"
"""A row that cannot be read; a file that cannot; one that ends too early; one whose totals are not its own."""
