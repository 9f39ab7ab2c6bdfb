"""Values of the axis `image`: a size as typed, or a list of sizes in `sweeps/image`.

`image=1024x768` is one size; `image=a4_scans` is the file `sweeps/image/a4_scans.yaml` with its
sizes and weights. What a size costs is counted by `planning`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from paretobench.config.groups import Groups
from paretobench.domain import Images, ImageSize
from paretobench.errors import ConfigError, UnknownNameError
from paretobench.planning.tokens import Size

GROUP = "image"

_FIELDS = ("label", "sizes", "source")


def parse_size(text: str) -> Size:
    """Width and height in pixels from `WIDTHxHEIGHT`.

    >>> parse_size("1654x2339"), parse_size("640 X 480")
    ((1654, 2339), (640, 480))

    Raises:
        ConfigError: if the text is no size, or a side is 0.
    """
    found = re.fullmatch(r"\s*(\d{1,6})\s*[xX×]\s*(\d{1,6})\s*", text)
    if not found or 0 in (width := int(found[1]), height := int(found[2])):
        raise ConfigError(
            f"an image size is WIDTHxHEIGHT in pixels, such as 1654x2339, not {text!r}"
        )
    return width, height


def check_image(name: str, groups: Groups) -> None:
    """Refuse what is neither a size nor a list in `sweeps/image`.

    Raises:
        UnknownNameError: with the lists that there are.
        ConfigError: for a size that none can be.
    """
    if re.match(r"\d", name):
        parse_size(name)
    elif name not in groups.members(GROUP):
        raise UnknownNameError("image size or list", name, ["1024x768", *groups.members(GROUP)])


def load_images(name: str) -> Images:
    """A size as typed or a list by its name, the user's own lists in `./sweeps` included.

    Raises:
        UnknownNameError: if there is no such list.
        ConfigError: for a size that none can be, or a list whose file is wrong.
    """
    groups = Groups()
    check_image(name, groups)
    return images_of(name, groups)


def images_of(name: str, groups: Groups) -> Images:
    """The sizes that one value of the axis means.

    Raises:
        ConfigError: if the file of a list is wrong, naming the file.
    """
    if re.match(r"\d", name):
        return Images.one(*parse_size(name))
    return _listed(groups.content(f"{GROUP}/{name}"), name)


def _listed(data: Mapping[str, Any], name: str) -> Images:
    at = f"{GROUP}/{name}.yaml"
    for field in data:
        if field not in _FIELDS:
            raise UnknownNameError(f"field of {at}", str(field), _FIELDS)
    sizes = data.get("sizes")
    if not isinstance(sizes, Mapping) or not sizes:
        raise ConfigError(
            f"{at} needs sizes: {{1654x2339: 3, 1240x1754: 1}}, each with how often it occurs"
        )
    return Images(
        name,
        str(data.get("label", name)),
        tuple(_size(text, weight, at) for text, weight in sizes.items()),
        str(data.get("source", "")),
    )


def _size(text: Any, weight: Any, at: str) -> ImageSize:
    if isinstance(weight, bool) or not isinstance(weight, int) or weight < 1:
        raise ConfigError(f"{at}: the weight of {text} must be a whole number from 1, not {weight}")
    try:
        return ImageSize(*parse_size(str(text)), weight)
    except ConfigError as error:
        raise ConfigError(f"{at}: {error}") from None
