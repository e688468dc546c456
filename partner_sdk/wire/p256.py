"""ECDSA over P-256 with SHA-256, as RFC 9421 section 3.3.4 writes it: for keys that live in hardware.

Many security modules and cards know this algorithm and not Ed25519. A point is 65 bytes, 0x04 and both coordinates
(SEC 1 section 2.3.3); a signature is r and s of 32 bytes each, and never DER, which has more than one spelling. The
curve has cofactor 1, so a point that is on it is as good as any.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

POINT_BYTES = 65
COORDINATE_BYTES = 32

_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_ALGORITHM = ec.ECDSA(hashes.SHA256())


def weakness(raw: bytes) -> str | None:
    """Say why these 65 bytes are no public key, or None when they are one."""
    if raw[0] != 4:
        return "the encoding is not that of an uncompressed point"
    x, y = int.from_bytes(raw[1:33], "big"), int.from_bytes(raw[33:], "big")
    if x >= _P or y >= _P:
        return "the encoding is not canonical"
    if (y * y - (x * x * x - 3 * x + _B)) % _P:
        return "the bytes are not a point of the curve"
    return None


def load(raw: bytes) -> ec.EllipticCurvePublicKey:
    """The point as the library wants it; `weakness` has found none."""
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)


def verify(key: ec.EllipticCurvePublicKey, signature: bytes, message: bytes) -> bool:
    """Whether these 64 bytes are the key's signature over `message` (FIPS 186-5 section 6.4.2)."""
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if len(signature) != 2 * COORDINATE_BYTES or not (0 < r < _N and 0 < s < _N):
        return False
    try:
        key.verify(encode_dss_signature(r, s), message, _ALGORITHM)
    except InvalidSignature:
        return False
    return True


def sign(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """The key's 64-byte signature over `message`; another one each time."""
    r, s = decode_dss_signature(key.sign(message, _ALGORITHM))
    return r.to_bytes(COORDINATE_BYTES, "big") + s.to_bytes(COORDINATE_BYTES, "big")
