"""Generated weather: a global 2 m temperature field, packed as the CDS packs ERA5.

CDS is the Climate Data Store.
"""

import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy import ndarray
from numpy.random import Generator
from pydantic import Field, field_validator

from ..channels.netcdf import NetcdfChannel, writing
from ..core import options
from ..core.carrier import Carrier
from ..core.cover import Cover, Law
from ..core.noise import normals
from ..generators import weather

SIGMA = 1.5
"""Standard deviation of the noise, in codes: about what packing itself loses."""
_HEADROOM = 5 * SIGMA
_LOW, _HIGH, _FILL = -32766, 32767, -32767
_EPOCH = datetime(1900, 1, 1)
_FIRST, _HOURS = datetime(1979, 1, 1), 45 * 8766


class Era5Carrier(Carrier):
    """Fields of 2 m temperature on a regular global grid, at a random hour of 1979 to 2023.

    The grid includes the poles. The field is a function on the sphere drawn from a trained law
    (`generators/weather.py`), so one draw is the same field at every size. Codes are round(f +
    noise) with normal noise of constant sigma (1.5 codes, about 2.5 mK). Contains modified
    Copernicus Climate Change Service information.
    """

    name: ClassVar[str] = "era5"
    channel: ClassVar = NetcdfChannel

    class Options(options.Options):
        """Options of the era5 carrier."""

        size: tuple[int, int] = Field((181, 360), description="(latitudes, longitudes)")

        time: datetime | None = Field(
            None,
            description="the hour (UTC), as in 2010-07-15T12:00; random if not given",
        )

        @field_validator("time", mode="before")
        @classmethod
        def _written_out(cls, time: Any) -> Any:
            if isinstance(time, int | float):
                raise ValueError("a date and an hour are needed, as in 2010-07-15T12:00")
            return time

        @field_validator("time")
        @classmethod
        def _near(cls, time: datetime | None) -> datetime | None:
            if time is None:
                return None
            plain = time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
            if not 1950 <= plain.year <= 2050:
                raise ValueError("the law knows the years 1950 to 2050")
            return plain.replace(minute=0, second=0, microsecond=0)

        @field_validator("size")
        @classmethod
        def _sensible(cls, size: tuple[int, int]) -> tuple[int, int]:
            if not (9 <= size[0] <= 2881 and 16 <= size[1] <= 5760):
                raise ValueError("a global grid has 9 to 2881 latitudes and 16 to 5760 longitudes")
            return size

    def covers(self, count: int, rng: Generator) -> list[Cover]:
        """`count` independent fields, each in a file of its own."""
        return [self._one(rng) for _ in range(count)]

    def blank(self) -> Cover:
        """Any field of the requested size: all have the same free elements."""
        return self._one(np.random.default_rng(0))

    def _one(self, rng: Generator) -> Cover:
        rows, columns = self.options.size
        latitude = np.linspace(90, -90, rows)
        longitude = np.arange(columns) * (360 / columns)
        time = self.options.time or _FIRST + timedelta(hours=int(rng.integers(_HOURS)))
        field = weather.draw(time, rng)(latitude, longitude)
        low, high = field.min(), field.max()
        scale = float((high - low) / (_HIGH - _LOW - 2 * _HEADROOM))
        offset = float(low - scale * (_LOW + _HEADROOM))
        value = (field - offset) / scale
        noise = SIGMA * normals(value.shape)
        for one in (value, noise):
            one[0], one[-1] = one[0, 0], one[-1, 0]  # a pole is one point
        codes = np.rint(value + noise).clip(_LOW, _HIGH).astype(np.int16)
        data = _file(codes, latitude, longitude, time, scale, offset)
        cover = next(self.channel().read(data))
        return replace(cover, law=Law(value[None], SIGMA))


def _file(
    codes: ndarray,
    latitude: ndarray,
    longitude: ndarray,
    time: datetime,
    scale: float,
    offset: float,
) -> bytes:
    """A NetCDF-3 file with the names, units and attributes of ERA5 as packed by the CDS."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "field.nc")
        with writing(path, "w", format="NETCDF3_64BIT_OFFSET") as file:
            file.Conventions = "CF-1.6"
            axes = {
                "longitude": (longitude.astype(np.float32), "degrees_east"),
                "latitude": (latitude.astype(np.float32), "degrees_north"),
            }
            for name, (values, units) in axes.items():
                file.createDimension(name, values.size)
                axis = file.createVariable(name, "f4", (name,))
                axis.setncatts({"units": units, "long_name": name, "standard_name": name})
                axis[:] = values
            file.createDimension("time", 1)
            clock = file.createVariable("time", "i4", ("time",))
            clock.setncatts(
                {
                    "units": "hours since 1900-01-01 00:00:00.0",
                    "long_name": "time",
                    "calendar": "gregorian",
                }
            )
            clock[:] = (time - _EPOCH) // timedelta(hours=1)
            dims = ("time", "latitude", "longitude")
            field = file.createVariable("t2m", "i2", dims, fill_value=np.int16(_FILL))
            field.set_auto_maskandscale(False)
            field.setncatts(
                {"scale_factor": scale, "add_offset": offset, "missing_value": np.int16(_FILL)}
            )
            field.setncatts({"units": "K", "long_name": "2 metre temperature"})
            field.standard_name = "air_temperature"
            field[0] = codes
        return path.read_bytes()
