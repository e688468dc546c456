"""XML as plain values: an element is its tag with a text, or with the elements in it.

A writer of a message then reads like the message. What is empty is left out, as ISO 20022 wants it: a message has no
elements without content.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

from lxml import etree

Content: TypeAlias = "str | Iterable[Element | None]"


class Element(NamedTuple):
    """An element to be written; `currency` is its attribute `Ccy`."""

    tag: str
    content: Content
    currency: str = ""


def built(root: Element, namespace: str) -> etree._Element:
    """The document of an element and all in it, in one namespace, without prefix."""
    unprefixed: Any = {None: namespace}
    top = etree.Element(f"{{{namespace}}}{root.tag}", nsmap=unprefixed)
    _fill(top, root, namespace)
    return top


def serialised(document: etree._Element) -> bytes:
    """The document as UTF-8, indented by two spaces, with line feeds; the same document is the same bytes."""
    body = etree.tostring(document, encoding="UTF-8", pretty_print=True)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + body


def _fill(node: etree._Element, element: Element, namespace: str) -> None:
    if element.currency:
        node.set("Ccy", element.currency)
    if isinstance(element.content, str):
        node.text = element.content
        return
    for inner in element.content:
        if inner is not None and inner.content:
            _fill(etree.SubElement(node, f"{{{namespace}}}{inner.tag}"), inner, namespace)
