"""Pictures as API clients give them: in a data URL, or by an address that is still to be fetched."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from quarterdeck.domain.parts import ImagePart
from quarterdeck.errors import ParameterError

MAX_IMAGE_BYTES = 20 << 20
KINDS = ("image/png", "image/jpeg", "image/gif", "image/webp")


Fetched = Mapping[str, ImagePart]
"""The pictures that were fetched for a request, by their addresses."""


def must_be_fetched(url: str) -> bool:
    return url.startswith(("https://", "http://"))


def given_image(url: str, parameter: str, fetched: Fetched) -> ImagePart:
    """Raises: `ParameterError` for what is neither a data URL nor among `fetched`."""
    if url in fetched:
        return fetched[url]
    head, comma, data = url.removeprefix("data:").partition(",")
    if not url.startswith("data:") or not comma:
        raise ParameterError(
            "A picture is a data URL or an address that begins with https://.", parameter, reason="invalid_image_url"
        )
    media_type, _, encoding = head.partition(";")
    if encoding != "base64":
        raise ParameterError("A picture's data URL must be in base64.", parameter, reason="invalid_image_url")
    return read_image(media_type, data, parameter)


def read_image(media_type: str, data: str, parameter: str) -> ImagePart:
    """Raises: `ParameterError`."""
    if media_type not in KINDS:
        raise ParameterError(f"A picture is one of {', '.join(KINDS)}.", parameter, reason="invalid_image_format")
    if len(data) > MAX_IMAGE_BYTES * 4 // 3 + 4:
        raise ParameterError(f"A picture has at most {MAX_IMAGE_BYTES >> 20} MB.", parameter, reason="image_too_large")
    try:
        if not base64.b64decode(data, validate=True):
            raise ParameterError("The picture is empty.", parameter, reason="invalid_image")
    except (binascii.Error, ValueError):
        raise ParameterError("The picture's data is not in base64.", parameter, reason="invalid_base64") from None
    return ImagePart(media_type, data)
