"""When the lab's image counts as built."""

import json
from pathlib import Path

from pradrill.adapters.standbys.lab.image import PACKAGES, Image


def image(folder: Path, card: object) -> Image:
    """Return an image with this card."""
    folder.mkdir()
    (folder / "image.json").write_text(json.dumps(card), encoding="utf-8")
    return Image(folder)


def test_an_image_with_other_packages_is_built_anew(tmp_path: Path) -> None:
    """An image of an older pradrill lacks what newer drills need: it counts as not built."""
    assert image(tmp_path / "now", {"suite": "trixie", "packages": list(PACKAGES)}).built
    assert not image(tmp_path / "old", {"suite": "trixie", "packages": list(PACKAGES)[1:]}).built


def test_an_image_of_the_users_own_is_kept(tmp_path: Path) -> None:
    """What a user brought is not ours to build anew."""
    assert image(tmp_path / "own", {"source": "/srv/mine.qcow2"}).built
