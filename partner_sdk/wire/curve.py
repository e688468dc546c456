"""Whether a point of Ed25519 is fit to be somebody's public key.

Libraries load every 32 bytes as a key, among them points for which signatures can be made without any secret,
and points with two encodings. Such keys would let a partner deny its own reports, so they are refused when a
key is registered (RFC 8032 section 5.1.3 for decoding; section 5.1.7 leaves these checks to the application).
It is plain integer arithmetic and takes about two milliseconds: fine once in a key's life, and only there.
"""

_Point = tuple[int, int, int, int]  # extended coordinates (X, Y, Z, T) of RFC 8032 section 5.1.4

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_SQRT_OF_MINUS_ONE = pow(2, (_P - 1) // 4, _P)
_IDENTITY: _Point = (0, 1, 1, 0)


def weakness(raw: bytes) -> str | None:
    """Say why these 32 bytes are no safe public key, or None when they are one."""
    y = int.from_bytes(raw, "little") & (2**255 - 1)
    sign = raw[31] >> 7
    if y >= _P:
        return "the encoding is not canonical"
    x = _recover_x(y)
    if x is None:
        return "the bytes are not a point of the curve"
    if x == 0 and sign:
        return "the encoding is not canonical"
    return _weakness_of_point((x, y, 1, x * y % _P))


def _weakness_of_point(point: _Point) -> str | None:
    if _is_identity(_multiply(8, point)):
        return "the point has small order"
    if not _is_identity(_multiply(_L, point)):
        return "the point has mixed order"
    return None


def _recover_x(y: int) -> int | None:
    """A square root of (y^2 - 1) / (d y^2 + 1), of either sign (RFC 8032 section 5.1.3)."""
    u, v = y * y - 1, _D * y * y + 1
    x = u * pow(v, 3, _P) * pow(u * pow(v, 7, _P), (_P - 5) // 8, _P) % _P
    if (v * x * x - u) % _P == 0:
        return x
    if (v * x * x + u) % _P == 0:
        return x * _SQRT_OF_MINUS_ONE % _P
    return None


def _add(left: _Point, right: _Point) -> _Point:
    """The complete addition law of RFC 8032 section 5.1.4: it holds for doubling and for the identity too."""
    a = (left[1] - left[0]) * (right[1] - right[0]) % _P
    b = (left[1] + left[0]) * (right[1] + right[0]) % _P
    c = 2 * left[3] * right[3] * _D % _P
    d = 2 * left[2] * right[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _multiply(scalar: int, point: _Point) -> _Point:
    total = _IDENTITY
    while scalar:
        if scalar & 1:
            total = _add(total, point)
        point = _add(point, point)
        scalar >>= 1
    return total


def _is_identity(point: _Point) -> bool:
    return point[0] == 0 and point[1] == point[2]
