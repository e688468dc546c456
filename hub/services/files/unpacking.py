"""From stored parts to lines of text, never more than a few parts in memory.

What is compressed is inflated step by step, and refused as soon as it has grown beyond `MAX_RATIO` times what came in:
a small file that unfolds into terabytes stops there. Nothing here knows what a line means.
"""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterable, Iterator
from itertools import chain

from hub.core.files.faults import MALFORMED, TRUNCATED, FileFault

MAX_RATIO = 50
"""How many times its size a gzip file may unfold to; tables of sales come to 5 to 20."""
RATIO_FROM_BYTES = 1 << 20
"""So much is inflated whatever the ratio: a few hundred equal rows may well be small."""
STEP_BYTES = 1 << 18
MAX_LINE = 65_536
"""Most characters of a line."""
_GZIP = 16 + zlib.MAX_WBITS
_BOM = "\ufeff"


def inflated(parts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what a gzip file (RFC 1952, one member) holds.

    Raises:
        FileFault: ``gzip_ratio``, ``file_truncated``, or ``file_malformed`` for what is no such file.
    """
    unpacker, came, given = zlib.decompressobj(_GZIP), 0, 0
    for part in parts:
        came += len(part)
        while part:
            if unpacker.eof:
                raise FileFault(MALFORMED, "something follows the end of the gzip file")
            try:
                piece = unpacker.decompress(part, STEP_BYTES)
            except zlib.error as error:
                raise FileFault(MALFORMED, "it was announced as gzip, and is none or damaged") from error
            given += len(piece)
            if given > max(RATIO_FROM_BYTES, MAX_RATIO * came):
                raise FileFault("gzip_ratio", f"it unfolds to more than {MAX_RATIO} times its size")
            yield piece
            part = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
    if not unpacker.eof:
        raise FileFault(TRUNCATED, "the gzip file ends before its end")


def lines(pieces: Iterable[bytes], encoding: str) -> Iterator[str]:
    """Yield a text's lines without their ends, LF or CR LF; what follows the last end is a line if it is anything.

    Raises:
        FileFault: ``file_malformed`` for bytes that are not of the character set, or a line that is too long.
    """
    rest, number = "", 0
    for text in _decoded(pieces, encoding):
        split = (rest + text).split("\n")
        rest = split.pop()
        for line in split:
            number += 1
            yield _checked(line.removesuffix("\r"), number)
        _checked(rest, number + 1)
    if rest:
        yield _checked(rest.removesuffix("\r"), number + 1)


def _decoded(pieces: Iterable[bytes], encoding: str) -> Iterator[str]:
    decoder, place, is_first = codecs.getincrementaldecoder(encoding)("strict"), 0, True
    for piece in chain(pieces, (None,)):
        try:
            text = decoder.decode(piece or b"", piece is None)
        except UnicodeDecodeError as error:
            raise FileFault(MALFORMED, f"what stands near byte {place + error.start} is no {encoding}") from error
        place += len(piece or b"")
        if is_first and text:
            text, is_first = text.removeprefix(_BOM), False
        # What ends a line on a mainframe.
        yield text.replace("\x85", "\n") if encoding.startswith("cp") else text


def _checked(line: str, number: int) -> str:
    if len(line) > MAX_LINE:
        raise FileFault(MALFORMED, f"line {number} has more than {MAX_LINE} characters")
    return line
