"""XML from strangers, read as a stream: an element at a time, in memory that does not grow with the file.

A bank's file is somebody else's text. So there is no DTD and no entity in it, nothing is fetched, it is no deeper and
no larger than such messages are, and whatever is wrong with it becomes `FileRefused` with the line.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import IO, Any

from lxml import etree

from settlement.errors import FileRefused

MAX_BYTES = 2 * 1024**3
MAX_DEPTH = 32
MAX_HELD = 200_000
"""Elements that are in memory at one time: the head of a statement, or one payment; a hundred times what there is."""

Element = Any
"""An element of lxml, of whose types there is no complete description."""


def elements(path: Path, names: frozenset[str]) -> Iterator[tuple[str, Element]]:
    """`("root", element)` first, then `("end", element)` for each element with one of these local names.

    An element of these names is emptied after it was handed out, so one above it is seen without its content.
    Raises `FileRefused` for what is no XML, has a DTD, or is too large or too deep.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise FileRefused(f"is larger than {MAX_BYTES:,} bytes")
        with path.open("rb") as file:
            yield from _watched(file, names)
    except OSError as error:
        raise FileRefused(f"cannot be read: {error.strerror}") from error
    except etree.XMLSyntaxError as error:
        raise FileRefused(f"is no well-formed XML: {error.msg!s:.200}") from error


def _watched(file: IO[bytes], names: frozenset[str]) -> Iterator[tuple[str, Element]]:
    held = 0
    held_before: list[int] = []
    for event, element in _parsed(file):
        if event == "start":
            held_before.append(held)
            held += 1
            _refuse(element, len(held_before), held)
            if len(held_before) == 1:
                yield "root", element
            continue
        before = held_before.pop()
        if local(element) in names:
            yield "end", element
            _forget(element)
            held = before


def _parsed(file: IO[bytes]) -> Iterator[tuple[str, Element]]:
    closed = {"resolve_entities": False, "load_dtd": False, "no_network": True, "huge_tree": False}
    return iter(etree.iterparse(file, events=("start", "end"), remove_comments=True, remove_pis=True, **closed))


def _refuse(element: Element, depth: int, held: int) -> None:
    if depth == 1 and element.getroottree().docinfo.doctype:
        raise FileRefused("has a document type declaration (DTD), which no bank's message has")
    if depth > MAX_DEPTH:
        raise FileRefused(f"is nested deeper than {MAX_DEPTH} elements at line {element.sourceline}")
    if held > MAX_HELD:
        raise FileRefused(f"has more than {MAX_HELD:,} elements outside of its entries, at line {element.sourceline}")


def _forget(element: Element) -> None:
    """Empty an element, and take the emptied one before it out; the parser still needs this one."""
    element.clear()
    before = element.getprevious()
    if before is not None and before.tag == element.tag:
        element.getparent().remove(before)


def local(element: Element) -> str:
    """The name of an element without its namespace; "" for what is none."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def namespace(element: Element) -> str:
    """The namespace of an element; "" where it has none."""
    return str(element.tag)[1:].partition("}")[0] if str(element.tag).startswith("{") else ""


def text_at(element: Element, path: str) -> str:
    """The text at a path of local names, `A/B/C`, without the blanks around it; "" where there is none."""
    found = element.findtext(_in_any_namespace(path))
    return " ".join(found.split()) if found else ""


def found_at(element: Element, path: str) -> Iterator[Element]:
    """Every element at a path of local names, in the order of the file."""
    return iter(element.iterfind(_in_any_namespace(path)))


@cache
def _in_any_namespace(path: str) -> str:
    return "/".join(f"{{*}}{name}" for name in path.split("/"))


def first_text(element: Element, *paths: str) -> str:
    """The text at the first of these paths at which there is one."""
    return next((text for path in paths if (text := text_at(element, path))), "")
