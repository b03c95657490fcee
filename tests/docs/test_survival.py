"""Every named row of survival.md, run with the libraries of users; the page says what to expect."""

import re
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import netCDF4
import numpy as np
import pytest
import soundfile
import xarray
from PIL import Image, ImageCms, ImageEnhance, PngImagePlugin

from stegafield.errors import FormatError, NoMessage
from tests.datasets import field, floats, packed
from tests.sounds import sound, with_chunks

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "survival.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `([a-z0-9-]+)` \| .* \| (kept|lost) \|$", PAGE, re.MULTILINE))
MESSAGE = b"meet at dawn"


def _png(image, **options):
    out = BytesIO()
    image.save(out, "PNG", **options)
    return out.getvalue()


def _detour(image, kind, **options):
    out = BytesIO()
    image.save(out, kind, **options)
    return _png(Image.open(out))


def _strip(image):
    return _png(Image.fromarray(np.asarray(image)))


def _profile(image):
    text = PngImagePlugin.PngInfo()
    text.add_text("Title", "a holiday")
    exif = Image.Exif()
    exif[0x010E] = "a holiday"
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return _png(image, icc_profile=icc, exif=exif, pnginfo=text)


def _scikit_image(image):
    from skimage import io

    with TemporaryDirectory() as folder:
        before, after = Path(folder, "before.png"), Path(folder, "after.png")
        before.write_bytes(image.file_bytes)
        io.imsave(after, io.imread(before), check_contrast=False)
        return after.read_bytes()


def _lossless_detour(image):
    for kind, options in (
        ("BMP", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("WEBP", {"lossless": True}),
    ):
        image = Image.open(BytesIO(_detour(image, kind, **options)))
    return _png(image)


def _edit_alpha(image):
    array = np.array(image)
    array[20, 20, 3] = 0
    return _png(Image.fromarray(array))


def _clear_transparent(image):
    array = np.array(image)
    array[array[..., 3] == 0] = 0
    assert not np.array_equal(array, np.asarray(image))
    return _png(Image.fromarray(array))


def _one_sample(image):
    array = np.array(image)
    array[30, 30, 1] ^= 1
    return _png(Image.fromarray(array))


def _resize(image):
    double = image.resize((image.width * 2, image.height * 2), Image.Resampling.BICUBIC)
    return _png(double.resize(image.size, Image.Resampling.BICUBIC))


def _bmp(image):
    out = BytesIO()
    image.save(out, "BMP")
    return out.getvalue()


TIFFS = (None, "tiff_lzw", "tiff_adobe_deflate")


def _as(image, kind, **options):
    out = BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def _any_of(files):
    """One of several files that must hold the same picture."""
    first, *others = (np.asarray(Image.open(BytesIO(data))) for data in files)
    assert all(np.array_equal(first, other) for other in others)
    return files[np.random.default_rng().integers(len(files))]


def _palette(image):
    found = image.convert("P", palette=Image.Palette.ADAPTIVE, colors=256)
    assert np.array_equal(np.asarray(found.convert("RGB")), np.asarray(image))
    return found


PICTURES = {
    "copy": ("RGB", lambda image: image.file_bytes),
    "resave": ("RGB", _png),
    "optimise": ("RGB", lambda image: _png(image, optimize=True)),
    "strip": ("RGB", _strip),
    "profile": ("RGB", _profile),
    "scikit-image": ("RGB", _scikit_image),
    "lossless-detour": ("RGB", _lossless_detour),
    "bmp": ("RGB", _bmp),
    "tiff": ("RGB", lambda image: _any_of([_as(image, "TIFF", compression=c) for c in TIFFS])),
    "webp-lossless": ("RGB", lambda image: _as(image, "WEBP", lossless=True, exact=True)),
    "bmp-alpha": ("RGB", lambda image: _as(image.convert("RGBA"), "BMP")),
    "add-alpha": ("RGB", lambda image: _png(image.convert("RGBA"))),
    "drop-opaque-alpha": ("half", lambda image: _png(image.convert("RGB"))),
    "drop-alpha": ("RGBA", lambda image: _png(image.convert("RGB"))),
    "clear-transparent": ("RGBA", _clear_transparent),
    "edit-alpha": ("half", _edit_alpha),
    "premultiply": ("half", lambda image: _png(image.convert("RGBa").convert("RGBA"))),
    "to-palette": ("few", lambda image: _png(_palette(image))),
    "from-palette": ("few", lambda image: _png(_palette(image).convert("RGB"))),
    "jpeg": ("RGB", lambda image: _detour(image, "JPEG", quality=100, subsampling=0)),
    "webp": ("RGB", lambda image: _detour(image, "WEBP")),
    "resize": ("RGB", _resize),
    "crop": ("RGB", lambda image: _png(image.crop((0, 0, image.width - 1, image.height)))),
    "pad": ("RGB", lambda image: _png(image.crop((0, 0, image.width + 1, image.height)))),
    "flip": ("RGB", lambda image: _png(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT))),
    "flip-back": (
        "RGB",
        lambda image: _png(
            image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).transpose(
                Image.Transpose.FLIP_LEFT_RIGHT
            )
        ),
    ),
    "rotate": ("RGB", lambda image: _png(image.transpose(Image.Transpose.ROTATE_90))),
    "grey": ("RGB", lambda image: _png(image.convert("L"))),
    "swap-channels": ("RGB", lambda image: _png(Image.merge("RGB", image.split()[::-1]))),
    "grey-to-rgb": ("L", lambda image: _png(image.convert("RGB"))),
    "sixteen-to-eight": (
        "I;16",
        lambda image: _png(Image.fromarray((np.asarray(image) // 256).astype(np.uint8))),
    ),
    "brightness": ("RGB", lambda image: _png(ImageEnhance.Brightness(image).enhance(1.01))),
    "one-sample": ("RGB", _one_sample),
}


def _cover(kind, picture):
    alpha = np.full((64, 64, 1), 255, np.uint8)
    if kind == "L":
        return picture[..., 0]
    if kind == "I;16":
        return picture[..., 0].astype(np.uint16) * 256 + picture[..., 1]
    if kind == "few":
        return np.tile(picture[:8, :8], (2, 2, 1)) // 64 * 64
    if kind == "half":
        alpha[:32] = 100
    if kind == "RGBA":
        alpha[:8] = 0
    return picture if kind == "RGB" else np.dstack([picture, alpha])


@pytest.fixture(scope="module")
def pictures(engine, key, photographs):
    made, picture = {}, photographs["chelsea"]
    for kind in ("RGB", "L", "I;16", "few", "half", "RGBA"):
        message, rate = (b"m", 0.5) if kind == "few" else (MESSAGE, 1 / 3)
        stego = engine.hide(
            message, carrier="image", cover=_cover(kind, picture), bps=rate, key=key
        )
        made[kind] = message, stego.data
    return made


def _verdict(engine, key, data, message):
    try:
        return "kept" if engine.reveal(data, key=key) == message else "wrong"
    except (NoMessage, FormatError):
        return "lost"


@pytest.mark.slow
@pytest.mark.parametrize("row", PICTURES)
def test_pictures(engine, key, pictures, row):
    kind, step = PICTURES[row]
    message, data = pictures[kind]
    image = Image.open(BytesIO(data))
    image.load()
    image.file_bytes = data
    assert _verdict(engine, key, data, message) == "kept"
    assert _verdict(engine, key, step(image), message) == ROWS[row]


def _rewritten(
    path,
    out,
    *,
    model="NETCDF4",
    keep=None,
    rename=None,
    order=None,
    edit=None,
    attributes=None,
    **storage,
):
    """The file written again by variable, the stored integers copied, with the wanted changes."""
    rename = rename or {}
    with netCDF4.Dataset(path) as old, netCDF4.Dataset(out, "w", format=model) as new:
        old.set_auto_maskandscale(False)
        new.setncatts(old.__dict__ | {"history": "edited"})
        for name, dimension in old.dimensions.items():
            new.createDimension(rename.get(name, name), len(dimension))
        for name, variable in old.variables.items():
            if keep is not None and name not in keep:
                continue
            found = dict(variable.__dict__)
            fill, values, names = found.pop("_FillValue", None), variable[...], variable.dimensions
            if name == "t2m":
                found |= attributes or {}
                fill, values = (
                    found.pop("_FillValue", fill),
                    values if edit is None else edit(values),
                )
                if order is not None:
                    values, names = values.transpose(order), [names[i] for i in order]
            options = storage if name == "t2m" else {}
            dimensions = [rename.get(n, n) for n in names]
            made = new.createVariable(
                rename.get(name, name), variable.dtype, dimensions, fill_value=fill, **options
            )
            made.set_auto_maskandscale(False)
            made.setncatts(found)
            made[...] = values
    return out.read_bytes()


def _xarray(change=lambda d: d, **options):
    def step(path, out):
        with xarray.open_dataset(path, engine="netcdf4", **options) as found:
            change(found.load()).to_netcdf(out, engine="netcdf4")
        return out.read_bytes()

    return step


def _float32(path, out):
    with xarray.open_dataset(path, engine="netcdf4") as found:
        found.load().to_netcdf(out, engine="netcdf4", encoding={"t2m": {"dtype": "float32"}})
    return out.read_bytes()


def _rewrite(**changes):
    return lambda path, out: _rewritten(path, out, **changes)


def _to_classic(path, out):
    classic = out.with_name("classic.nc")
    _rewritten(path, classic, model="NETCDF3_CLASSIC")
    return _rewritten(classic, out)


def _add_variable(path, out):
    out.write_bytes(path.read_bytes())
    with netCDF4.Dataset(out, "r+") as file:
        extra = file.createVariable("aaa", "i2", ("latitude", "longitude"))
        extra.scale_factor = 0.1
        extra[:] = 20.0
    return out.read_bytes()


def _repack(found):
    found["t2m"].encoding["scale_factor"] *= 1.5
    return found


def _warmer(found):
    found["t2m"].values += 0.1
    assert found["t2m"].encoding["dtype"] == "int16"
    return found


def _concatenate(found):
    later = found.assign_coords(time=found["time"] + np.timedelta64(1000, "h"))
    return xarray.concat([found, later], "time", data_vars="minimal")


def _roll(found):
    moved = found.assign_coords(longitude=(found["longitude"] + 180) % 360 - 180)
    return moved.sortby("longitude")


def _one_code(codes):
    codes[0, 9, 9] += 1
    return codes


def _masked(codes):
    codes[:, 8:10, 8:10] = -32767
    return codes


FIELDS = {
    "nc-copy": lambda path, out: path.read_bytes(),
    "recompress": _rewrite(zlib=True, complevel=9, shuffle=False, chunksizes=(2, 9, 11)),
    "to-classic": _to_classic,
    "drop-others": _rewrite(keep=["t2m", "latitude", "longitude"]),
    "add-variable": _add_variable,
    "attributes": _rewrite(attributes={"units": "degC", "long_name": "x", "scale_factor": 2.0}),
    "rename": _rewrite(rename={"t2m": "temperature"}),
    "rename-axes": _rewrite(rename={"latitude": "y", "longitude": "x"}),
    "move-time": _rewrite(order=(1, 2, 0)),
    "xarray": _xarray(),
    "xarray-raw": _xarray(mask_and_scale=False),
    "float32": _float32,
    "drop-encoding": _xarray(lambda found: found.drop_encoding()),
    "repack": _xarray(_repack),
    "arithmetic": _xarray(_warmer),
    "drop-latitude": _rewrite(keep=["t2m", "longitude"]),
    "slice-time": _xarray(lambda found: found.isel(time=[0, 1])),
    "concatenate": _xarray(_concatenate),
    "region": _xarray(lambda found: found.isel(latitude=slice(2, 15), longitude=slice(5, 30))),
    "flip-latitude": _xarray(lambda found: found.sortby("latitude")),
    "roll-longitude": _xarray(_roll),
    "swap-axes": _rewrite(order=(0, 2, 1)),
    "mask": _rewrite(edit=_masked),
    "fill-value": lambda path, out: _rewritten(path, out, attributes={"_FillValue": _common(path)}),
    "one-code": _rewrite(edit=_one_code),
}


def _common(path):
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        return file["t2m"][0, 9, 9]


@pytest.fixture(scope="module")
def fields(engine, key):
    cover = packed(times=3)
    return {
        bps: engine.hide(MESSAGE, carrier="dataset", cover=cover, bps=bps, key=key).data
        for bps in (1 / 3, 0.5)
    }


@pytest.mark.slow
@pytest.mark.parametrize("row", FIELDS)
def test_fields(engine, key, fields, row, tmp_path):
    for rate, data in fields.items():
        path, out = tmp_path / f"stego{rate:.1f}.nc", tmp_path / f"after{rate:.1f}.nc"
        path.write_bytes(data)
        assert _verdict(engine, key, FIELDS[row](path, out), MESSAGE) == ROWS[row]


def test_the_generated_field_survives_xarray(engine, key, tmp_path):
    stego = engine.hide(MESSAGE, carrier="era5", size=(91, 180), key=key)
    stego.save(tmp_path / "t2m.nc")
    assert (
        _verdict(engine, key, FIELDS["xarray"](tmp_path / "t2m.nc", tmp_path / "b.nc"), MESSAGE)
        == "kept"
    )


def _sound(samples, rate=8000, subtype="PCM_16", form="WAV"):
    out = BytesIO()
    soundfile.write(out, samples, rate, subtype, format=form)
    return out.getvalue()


def _whole(data):
    return soundfile.read(BytesIO(data), dtype="int16")[0]


SOUNDS = {
    "wav-copy": lambda data: data,
    "wav-resave": lambda data: _sound(_whole(data)),
    "wav-tags": lambda data: with_chunks(data, after=[(b"LIST", b"INFOINAM\x06\0\0\0hello\0")]),
    "to-flac": lambda data: _sound(_whole(data), form="FLAC"),
    "to-aiff": lambda data: _sound(_whole(data), form="AIFF"),
    "flac-detour": lambda data: _sound(_whole(_sound(_whole(data), form="FLAC"))),
    "to-24": lambda data: _sound(_whole(data), subtype="PCM_24"),
    "to-float": lambda data: _sound(_whole(data) / 32768, subtype="FLOAT"),
    "float-detour": lambda data: _sound(
        soundfile.read(BytesIO(_sound(_whole(data) / 32768, subtype="FLOAT")))[0]
    ),
    "vorbis": lambda data: _sound(_whole(_sound(_whole(data), subtype="VORBIS", form="OGG"))),
    "gain": lambda data: _sound((_whole(data) * 1.01).astype(np.int16)),
    "trim": lambda data: _sound(_whole(data)[:-1]),
    "to-mono": lambda data: _sound((_whole(data).astype(int).sum(axis=1) // 2).astype(np.int16)),
    "swap-stereo": lambda data: _sound(_whole(data)[:, ::-1]),
    "resample": lambda data: _sound(_whole(data)[::2]),
}


@pytest.mark.slow
@pytest.mark.parametrize("row", SOUNDS)
def test_sounds(engine, key, row):
    for bps in (1 / 3, 0.5):
        data = engine.hide(MESSAGE, carrier="audio", cover=sound(), bps=bps, key=key).data
        assert _verdict(engine, key, SOUNDS[row](data), MESSAGE) == ROWS[row]


FLOATS = {
    "float-xarray": _xarray(),
    "float-recompress": _rewrite(zlib=True, complevel=9, shuffle=False, chunksizes=(1, 5, 7)),
    "float-double": lambda path, out: _cast(path, out, lambda t: t.astype("f8")),
    "float-round": lambda path, out: _cast(path, out, lambda t: t.round(3)),
}


def _cast(path, out, change):
    with xarray.open_dataset(path, engine="netcdf4") as found:
        field = change(found["t"].load())
        field.encoding.clear()
        field.to_netcdf(out, engine="netcdf4")
    return out.read_bytes()


@pytest.mark.parametrize("row", FLOATS)
def test_float_fields(engine, key, row, tmp_path):
    cover = floats(field(times=2)[2])
    path, out = tmp_path / "stego.nc", tmp_path / "after.nc"
    path.write_bytes(engine.hide(MESSAGE, carrier="dataset", cover=cover, bps=0.5, key=key).data)
    assert _verdict(engine, key, FLOATS[row](path, out), MESSAGE) == ROWS[row]


def test_every_row_of_the_page_is_run():
    assert set(ROWS) == {*PICTURES, *FIELDS, *SOUNDS, *FLOATS}
