"""How the local hub says no, inside: a code of the wire's table, which becomes a signed problem document."""

from typing import Any

CONFLICT = "This id was used before for other content; nothing was changed."


class Refusal(Exception):
    """A request or an event is refused with a code of `partner_sdk.wire.codes`; members go beside the standard ones."""

    def __init__(self, code: str, detail: str, **members: Any) -> None:
        super().__init__(code)
        self.code, self.detail, self.members = code, detail, members
