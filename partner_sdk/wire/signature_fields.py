"""The two header fields that carry signatures: Signature-Input and Signature (RFC 9421 section 4).

They are structured dictionaries (RFC 8941) and may hold signatures that are not for us, made by proxies on
the way; those are read past, but must be well-formed. Ours is found by its tag and handed on with its
parameters as written, because the text of the field is what was signed.
"""

import re
from base64 import b64decode, b64encode
from typing import NamedTuple

LABEL = "hansa"

Tagged = tuple[str, str, str, list[tuple[str, str]]]


class SignatureRefused(Exception):
    """A signature or digest is not acceptable: `code` is a code of the wire, `detail` a sentence."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class Found(NamedTuple):
    """The one member of both fields that bears the tag; inner list and parameter values as written."""

    label: str
    inner: str
    params: dict[str, str]
    params_text: str
    signature: bytes


def write(params: str, signature: bytes) -> dict[str, str]:
    """Both fields for one signature, `params` being its whole "@signature-params"."""
    return {
        "Signature-Input": f"{LABEL}={params}",
        "Signature": f"{LABEL}=:{b64encode(signature).decode()}:",
    }


def find(signature_input: str | None, signature: str | None, tag: str) -> Found:
    """The one signature that bears `tag`, or SignatureRefused (signature_missing, signature_malformed)."""
    if not signature_input or not signature:
        raise SignatureRefused("signature_missing", "Signature-Input or Signature is absent")
    return _read_usual(signature_input, signature, tag) or _read_any(signature_input, signature, tag)


def _read_usual(signature_input: str, signature: str, tag: str) -> Found | None:
    """Read both fields in the form that nearly all messages have, or None: it spares no check, only time."""
    params, spelled = _USUAL_INPUT.fullmatch(signature_input), _USUAL_SIGNATURE.fullmatch(signature)
    if params is None or spelled is None:
        return None
    label, inner, written = params.groups()
    pairs = [pair.split("=", 1) for pair in written.split(";")]
    named: dict[str, str] = dict(pairs)
    if label != spelled[1] or len(named) != len(pairs) or named.get("tag") != f'"{tag}"':
        return None
    return Found(label, inner, named, f"{inner};{written}", b64decode(spelled[2]))


def _read_any(signature_input: str, signature: str, tag: str) -> Found:
    """Read both fields by the full grammar, among any number of signatures with other tags."""
    ours = tagged(signature_input, tag)
    signatures = _dictionary(_SIGNATURE_MEMBER, signature, "Signature")
    if len(ours) != 1:
        raise SignatureRefused("signature_malformed", f"exactly one signature must bear the tag {tag}")
    return _read_tagged(ours[0], signatures)


def tagged(signature_input: str, tag: str) -> list[Tagged]:
    """All members of Signature-Input with that tag: label, inner list, parameters as written and in pairs."""
    ours: list[Tagged] = []
    for label, (inner, written) in _dictionary(_INPUT_MEMBER, signature_input, "Signature-Input").items():
        pairs = _PARAMETER.findall(written)
        if ("tag", f'"{tag}"') in pairs:
            ours.append((label, inner, written, pairs))
    return ours


def _read_tagged(ours: Tagged, signatures: dict[str, tuple[str, ...]]) -> Found:
    label, inner, written, pairs = ours
    params = dict(pairs)
    if len(params) != len(pairs):
        raise SignatureRefused("signature_malformed", "a signature parameter is given twice")
    if not _CANONICAL.fullmatch(inner + written):
        raise SignatureRefused("signature_malformed", "the parameters are not in their canonical spelling")
    if label not in signatures or not _SIGNATURE_BASE64.fullmatch(signatures[label][0]):
        raise SignatureRefused("signature_malformed", f"Signature has no 64 bytes of base64 for {label}")
    return Found(label, inner, params, inner + written, b64decode(signatures[label][0]))


def _dictionary(member: re.Pattern[str], text: str, field: str) -> dict[str, tuple[str, ...]]:
    """Read a structured dictionary whose members all have one shape (RFC 8941 section 4.2.2)."""
    members: dict[str, tuple[str, ...]] = {}
    position, end = 0, len(text)
    while True:
        match = member.match(text, position)
        if match is None or match[1] in members:
            raise SignatureRefused("signature_malformed", f"{field} is not a dictionary of signatures")
        members[match[1]] = match.groups()[1:]
        position = match.end()
        if position == end:
            return members
        separator = _SEPARATOR.match(text, position)
        if separator is None:
            raise SignatureRefused("signature_malformed", f"{field} is not a dictionary of signatures")
        position = separator.end()


# The grammar of RFC 8941, as far as two dictionaries of signatures need it. No two alternatives start alike,
# so no text makes the patterns go back and forth.
_KEY = r"[a-z*][a-z0-9_.*-]*"
_STRING = r'"(?:[ !#-\[\]-~]|\\["\\])*"'
_BARE = _STRING + r"|-?[0-9]{1,15}(?:\.[0-9]{1,3})?|[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*|:[A-Za-z0-9+/=]*:|\?[01]"
_PARAMETERS = rf"(?:; *{_KEY}(?:=(?:{_BARE}))?)*"
_ITEM = rf"(?:{_BARE}){_PARAMETERS}"
_INPUT_MEMBER = re.compile(rf"({_KEY})=(\( *(?:{_ITEM}(?: +{_ITEM})* *)?\))({_PARAMETERS})")
_SIGNATURE_MEMBER = re.compile(rf"({_KEY})=:([A-Za-z0-9+/=]*):{_PARAMETERS}")
_PARAMETER = re.compile(rf"; *({_KEY})(?:=({_BARE}))?")
_SEPARATOR = re.compile(r"[ \t]*,[ \t]*")

# Canonical spelling (RFC 8941 section 4.1): the signer's "@signature-params" is then what the field says,
# letter for letter, and nothing needs to be serialized a second time.
_CANONICAL = re.compile(r"\((?:[^ ()]+(?: [^ ()]+)*)?\)[^ ]*")
_USUAL_PARAMETER = r'[a-z]+=(?:[0-9]{1,15}|"[!#-:<-\[\]-~]*")'
_USUAL_COMPONENT = r'"[@a-z-]+"(?:;req)?'
_USUAL_INNER = rf"\({_USUAL_COMPONENT}(?: {_USUAL_COMPONENT})*\)"
_USUAL_INPUT = re.compile(rf"({_KEY})=({_USUAL_INNER});({_USUAL_PARAMETER}(?:;{_USUAL_PARAMETER})*)")
_USUAL_SIGNATURE = re.compile(rf"({_KEY})=:([A-Za-z0-9+/]{{85}}[AQgw]==):")
_SIGNATURE_BASE64 = re.compile(r"[A-Za-z0-9+/]{85}[AQgw]==")
