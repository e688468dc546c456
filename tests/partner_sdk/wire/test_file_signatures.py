"""Signatures of files: the root key is enough to verify, and nothing but that very file passes."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_sdk.cli import main
from partner_sdk.wire import base64url, strict_json
from partner_sdk.wire.file_signatures import FILE_CONTEXT, FileSignatureRefused, read_file_signature, sign_file
from partner_sdk.wire.hub_keys import HubKey, HubKeyList, sign_key_list
from partner_sdk.wire.keys import PrivateKey, key_id

FILE = b"a statement"
DIGEST = hashlib.sha256(FILE).digest()
ABOUT = {"kind": "statement", "cycle": "2017-01", "partner": "grocer"}
ROOT, HUB, STRANGER = (PrivateKey.from_seed(bytes([number]) * 32) for number in (1, 2, 3))
KEYID = key_id("hub", HUB.public)
LISTED = HubKeyList(2, "sandbox", (HubKey(KEYID, HUB.public, 1000, 2000),), 1000)


def signed(key: PrivateKey = HUB, created: int = 1500, root: PrivateKey = ROOT) -> dict[str, Any]:
    return sign_file(DIGEST, ABOUT, created, KEYID, key, sign_key_list(LISTED, root))


def test_what_was_signed_is_read_back() -> None:
    document = strict_json.loads(strict_json.dumps(signed()))
    read = read_file_signature(document, DIGEST, ROOT.public)
    assert (read.about, read.created, read.keyid, read.environment) == (ABOUT, 1500, KEYID, "sandbox")


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (signed(key=STRANGER), "not signed by a key that the hub had then"),
        (signed(created=2000), "not signed by a key that the hub had then"),
        (signed(created=999), "not signed by a key that the hub had then"),
        (signed(root=STRANGER), "the hub's key list: the list is not signed by the pinned root key"),
    ],
)
def test_another_key_another_time_and_another_root_are_refused(document: dict[str, Any], reason: str) -> None:
    with pytest.raises(FileSignatureRefused, match=reason):
        read_file_signature(document, DIGEST, ROOT.public)


def test_another_file_is_refused() -> None:
    with pytest.raises(FileSignatureRefused, match="the file is not the one that was signed"):
        read_file_signature(signed(), hashlib.sha256(FILE + b" ").digest(), ROOT.public)


def test_another_text_under_the_same_signature_is_refused() -> None:
    document = signed()
    text = base64url.decode(document["signed"]).replace(b"grocer", b"bakery")
    with pytest.raises(FileSignatureRefused, match="not signed by a key"):
        read_file_signature({**document, "signed": base64url.encode(text)}, DIGEST, ROOT.public)


@pytest.mark.parametrize("said", [b"[]", b"{}", b"7", b"\xff", b'{"digest":1,"about":{},"created":"x","keyid":[]}'])
def test_a_text_of_another_form_is_refused_even_if_the_hub_signed_it(said: bytes) -> None:
    signature = base64url.encode(HUB.sign(FILE_CONTEXT + said))
    document = {**signed(), "signed": base64url.encode(said), "signature": signature}
    with pytest.raises(FileSignatureRefused, match="cannot be read"):
        read_file_signature(document, DIGEST, ROOT.public)


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["signed", "signature", "hub_keys"]), inner),
)


@given(_ANY)
def test_whatever_arrives_is_refused_in_words(document: Any) -> None:
    with pytest.raises(FileSignatureRefused):
        read_file_signature(document, DIGEST, ROOT.public)


@given(st.sampled_from(["signed", "signature", "hub_keys"]), _ANY)
def test_whatever_stands_in_one_member_is_refused_in_words(member: str, value: Any) -> None:
    with pytest.raises(FileSignatureRefused):
        read_file_signature({**signed(), member: value}, DIGEST, ROOT.public)


def run(capsys: pytest.CaptureFixture[str], *names: Path, root: str = ROOT.public.text()) -> tuple[int, str, str]:
    code = main(["verify", "file", *map(str, names)], {"HANSA_ROOT_KEY": root, "HANSA_PARTNER_JSON": "1"})
    return code, *capsys.readouterr()


def test_the_command_needs_the_root_key_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "statement.pdf"
    path.write_bytes(FILE)
    sig = tmp_path / "statement.pdf.sig"
    code, _, said = run(capsys, path)
    assert (code, "statement.pdf.sig: No such file" in said) == (1, True)
    sig.write_bytes(strict_json.dumps(signed()))
    code, shown, _ = run(capsys, path, path)
    assert code == 0
    assert [strict_json.loads(row.encode()) for row in shown.splitlines()] == 2 * [
        {"file": str(path), **ABOUT, "signed_at": "1970-01-01T00:25:00+00:00", "environment": "sandbox",
         "keyid": KEYID, "digest": DIGEST.hex()}
    ]  # fmt: skip
    path.write_bytes(FILE + b"!")
    code, _, said = run(capsys, path)
    assert (code, said) == (1, f"hansa-partner: {path}: the file is not the one that was signed\n")
    sig.write_bytes(b"{")
    assert run(capsys, path)[0] == 1


@pytest.mark.parametrize(("names", "root"), [((), ROOT.public.text()), (("x",), ""), (("x",), "short")])
def test_wrong_usage(names: tuple[str, ...], root: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        run(capsys, *map(Path, names), root=root)
    assert stop.value.code == 2
