"""What the log proves: that an event is in it, as the hub says that it was recorded."""

from dataclasses import dataclass

from partner_sdk.model.values import Wire, optional
from partner_sdk.wire import base64url, merkle
from partner_sdk.wire.checkpoints import Checkpoint
from partner_sdk.wire.leaves import Leaf
from partner_sdk.wire.merkle import ProofRefused


@dataclass(frozen=True, slots=True)
class Inclusion:
    """The proof that an event's leaf is at `position` (from 0) in the log of `size` entries.

    `content_salt` is there for events of your own: with it `leaf.is_of` tells whether what you reported was recorded.
    """

    leaf: Leaf
    position: int
    size: int
    path: tuple[bytes, ...]
    content_salt: bytes | None = None

    @classmethod
    def from_wire(cls, wire: Wire) -> "Inclusion":
        """Read the answer to GET /v1/log/proof."""
        position, size = wire["position"], wire["size"]
        if type(position) is not int or type(size) is not int:
            raise TypeError("position and size are whole numbers")
        salt = optional(base64url.decode, wire.get("content_salt"))
        return cls(Leaf.from_wire(wire["leaf"]), position, size, path_from_wire(wire), salt)

    def check(self, checkpoint: Checkpoint) -> None:
        """Hold the proof against a checkpoint of its size; raises ProofRefused."""
        if checkpoint.size != self.size:
            raise ProofRefused("the proof is for a log of another size")
        merkle.check_inclusion(self.leaf.hash(), self.position, self.size, self.path, checkpoint.root)


def path_from_wire(wire: Wire) -> tuple[bytes, ...]:
    """Read the member `path` of a proof."""
    return tuple(bytes.fromhex(one) for one in wire["path"])
