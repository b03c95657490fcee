"""Maps with coastlines, whatever is installed."""

import numpy as np
import pytest
from PIL import Image

from stegafield.figures import maps


def test_weather_is_drawn_on_maps_with_coastlines_or_without(engine, tmp_path, monkeypatch):
    """cartopy's own file where this disk has one; the land share of the model where not."""
    cartopy, shapefile = pytest.importorskip("cartopy"), pytest.importorskip("shapefile")
    monkeypatch.setitem(cartopy.config, "data_dir", tmp_path / "none")
    monkeypatch.setitem(cartopy.config, "pre_existing_data_dir", tmp_path / "shapes")
    pictures, files = [], [data for _, data in engine.sample(1, carrier="era5", size=(19, 36))]
    assert maps._coastlines() is None
    maps.draw_files(files, tmp_path / "0.png")
    folder = tmp_path / "shapes" / "shapefiles" / "natural_earth" / "physical"
    folder.mkdir(parents=True)
    with shapefile.Writer(str(folder / "ne_110m_coastline"), shapeType=shapefile.POLYLINE) as out:
        out.field("name", "C")
        out.line([[[-170, -80], [0, 0], [170, 80]], [[-10, 50], [10, 50]]])
        out.record("made up")
    found = maps._coastlines()
    assert found is not None
    assert [line.tolist() for line in found] == [
        [[-170, -80], [0, 0], [170, 80]],
        [[-10, 50], [10, 50]],
    ]
    maps.draw_files(files, tmp_path / "1.png")
    monkeypatch.setattr(maps, "find_spec", lambda name: None)  # as if cartopy were not installed
    maps.draw_files(files, tmp_path / "2.png")
    for number in range(3):
        with Image.open(tmp_path / f"{number}.png") as sheet:
            pictures.append(np.asarray(sheet.convert("RGB")))
    assert (pictures[0] == pictures[2]).all() and (pictures[0] != pictures[1]).any()
