"""Checkpoints as signed notes: the form of C2SP, whose key counts, and texts that are none."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_sdk.wire.checkpoints import Checkpoint, CheckpointRefused, origin_of, read_checkpoint, sign_checkpoint
from partner_sdk.wire.keys import PrivateKey

KEY = PrivateKey.from_seed(hashlib.sha256(b"a checkpoint's key").digest())
OTHER = PrivateKey.from_seed(hashlib.sha256(b"another key").digest())
ORIGIN = origin_of(OTHER.public)
CHECKPOINT = Checkpoint(ORIGIN, 20_852_163, hashlib.sha256(b"root").digest())
NOTE = sign_checkpoint(CHECKPOINT, KEY)


def signed(text: str, name: str = ORIGIN, key: PrivateKey = KEY) -> str:
    """Sign any text as a note, by the words of C2SP's signed-note."""
    key_hash = hashlib.sha256(name.encode() + b"\n\x01" + key.public.raw).digest()[:4]
    return f"{text}\n\u2014 {name} {b64encode(key_hash + key.sign(text.encode())).decode()}\n"


def test_a_checkpoint_is_read_as_it_was_signed() -> None:
    assert read_checkpoint(NOTE, ORIGIN, KEY.public) == CHECKPOINT
    assert signed(CHECKPOINT.text()) == NOTE


def test_its_lines_are_those_of_the_specification() -> None:
    origin, size, root, empty, signature, end = NOTE.split("\n")
    assert (origin, size, b64decode(root), empty, end) == (ORIGIN, "20852163", CHECKPOINT.root, "", "")
    assert signature.startswith(f"\u2014 {ORIGIN} ")
    assert len(b64decode(signature.split(" ")[2])) == 4 + 64


def test_other_signatures_and_extensions_beside_ours_do_no_harm() -> None:
    witnessed = NOTE + signed(CHECKPOINT.text(), "witness.example", OTHER).split("\n\n")[1]
    assert read_checkpoint(witnessed, ORIGIN, KEY.public) == CHECKPOINT
    extended = signed(CHECKPOINT.text() + "an extension\n")
    assert read_checkpoint(extended, ORIGIN, KEY.public) == CHECKPOINT


LINES = CHECKPOINT.text().split("\n")


@pytest.mark.parametrize(
    "note",
    [
        signed(CHECKPOINT.text(), key=OTHER),
        signed(CHECKPOINT.text(), name="another-log"),
        signed(Checkpoint("another-log", 1, CHECKPOINT.root).text()),
        NOTE.replace("20852163", "20852164"),
        NOTE.replace("\n\n", "\n"),
        NOTE[:-1],
        CHECKPOINT.text() + "\n",
        NOTE.replace("\u2014", "-"),
        NOTE + "\u2014 broken\n",
        NOTE + "\u2014 short AAAA\n",
        NOTE.replace(" " + ORIGIN, "  " + ORIGIN),
        *(signed(f"{ORIGIN}\n{size}\n{LINES[2]}\n") for size in ("", "-1", "01", "+1", "1.0", "9" * 30, "１", "2 ")),
        *(signed(f"{ORIGIN}\n7\n{root}\n") for root in ("", "AAAA", LINES[2][:-1], LINES[2] + "=", "*" * 44)),
        signed(f"{ORIGIN}\n7\n"),
        signed(f"{ORIGIN}\n7\n{LINES[2]}\n\nmore\n"),
        "",
        "\n\n",
        "\ud800" + NOTE,
        "x" * 20_000 + NOTE,
    ],
)
def test_what_is_no_checkpoint_of_this_log_and_key_is_refused(note: str) -> None:
    with pytest.raises(CheckpointRefused):
        read_checkpoint(note, ORIGIN, KEY.public)


@given(st.integers(0, len(NOTE)), st.integers(0, len(NOTE)), st.text(max_size=5))
def test_no_change_of_a_note_is_believed(start: int, end: int, put: str) -> None:
    changed = NOTE[: min(start, end)] + put + NOTE[max(start, end) :]
    try:
        read = read_checkpoint(changed, ORIGIN, KEY.public)
    except CheckpointRefused:
        return
    assert read == CHECKPOINT
