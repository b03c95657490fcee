"""Figures say what they show: axes, units, coasts, and noise that is no difference (E)."""

import numpy as np
import pytest

from stegafield import Key
from stegafield.figures import stego as figures
from tests.datasets import field, floats, packed
from tests.sounds import sound

pytest.importorskip("matplotlib")


def _drawn(engine, tmp_path, **wishes):
    stego = engine.hide(b"m", key=Key.generate(), **wishes)
    figures.draw(stego, tmp_path / "figure.png")
    return figures.picture(stego).axes, stego


def _labels(axes):
    return " | ".join(f"{one.get_title()} {one.get_xlabel()} {one.get_ylabel()}" for one in axes)


@pytest.mark.slow
@pytest.mark.parametrize(
    "wishes",
    [
        {"cover": packed(rows=37, columns=40)},
        {"cover": floats(field(37, 40)[2])},
        {"carrier": "era5", "size": (19, 36)},
    ],
    ids=["packed", "floats", "drawn"],
)
def test_a_field_has_axes_a_unit_and_coasts(engine, tmp_path, wishes):
    axes, stego = _drawn(engine, tmp_path, **wishes)
    labels = _labels(axes)
    assert labels.count("longitude (degrees east)") == labels.count("latitude (degrees north)") == 3
    assert labels.count(stego.cover.unit) >= 3 and "codes of" in labels
    maps = [one for one in axes if one.get_xlabel()]
    assert all(len(one.collections) + len(one.lines) > 1 for one in maps), "no coasts"
    west, east = maps[0].get_xlim()
    assert -190 < west < east < 190
    sampled = stego.report.kl_bound_nats is not None
    assert ("plain covers have the same" in labels) == sampled == ("difference" not in labels)


@pytest.mark.slow
def test_a_line_says_difference_only_of_what_was_changed(engine, tmp_path):
    axes, _ = _drawn(engine, tmp_path, cover=sound())
    assert "difference of stego and cover" in _labels(axes) and " time " in _labels(axes)
    smooth = np.sin(np.arange(4000) / 50) * 0.3
    axes, _ = _drawn(engine, tmp_path, carrier="audio", cover=(smooth, 8000), as_function=True)
    assert "difference" not in _labels(axes) and "plain covers have the same" in _labels(axes)
    assert "another draw of the same law" in axes[0].get_legend().get_texts()[0].get_text()
