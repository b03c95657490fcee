"""Fit the closed-form law of global 2 m temperature (generators/climate.py) to ERA5, and print how it compares.

    python scripts/fit_era5_law.py WEEKLY.nc HOURLY.nc OUT.npz

WEEKLY: weekly means over some years on any regular grid (t2m, latitude and longitude in degrees), for the mean and the
annual cycle up to degree 21. HOURLY: single steps on a 1 degree grid, for what is finer, and for the weather.
"""

import sys

import numpy as np
import xarray

from stegafield.generators.climate import YEAR, legendre, synthesis

COARSE, FINE = 22, 61  # series of degrees below these


def analysis(field, latitude, longitude, degrees):
    """Coefficients of a field on a regular grid, by a Fourier transform and weighted least squares in latitude."""
    waves = np.exp(-1j * np.outer(np.arange(degrees), np.radians(longitude))) / longitude.size
    by_order = field @ waves.T * np.where(np.arange(degrees) == 0, 1, 2)
    weight = np.sqrt(np.maximum(np.cos(np.radians(latitude)), 1e-3))
    basis = legendre(np.sin(np.radians(latitude)), degrees, degrees)
    series = np.zeros((degrees, degrees), complex)
    for m in range(degrees):
        system = (basis[m, m:] * weight).T
        ridge = 1e-3 * np.eye(degrees - m)
        stacked = (
            np.vstack([system, ridge]),
            np.concatenate([by_order[:, m] * weight, np.zeros(degrees - m)]),
        )
        series[m, m:] = np.linalg.lstsq(*stacked, rcond=None)[0]
    return series


def load(path):
    """t2m (time, y, x) in kelvin, latitude, longitude, and the day of the year of each step."""
    data = xarray.load_dataset(path)
    axis = {name: next(n for n in data.coords if n.startswith(name)) for name in ("lat", "lon")}
    days = data["time"].dt.dayofyear.values.astype(float)
    return (
        data["t2m"].values.astype(float),
        data[axis["lat"]].values.astype(float),
        data[axis["lon"]].values.astype(float),
        days,
    )


def main(weekly, hourly, out):
    """Fit, save, compare."""
    fields, latitude, longitude, days = load(weekly)
    phase = 2 * np.pi * days / YEAR
    design = np.stack([np.ones_like(phase), np.cos(phase), np.sin(phase)], axis=1)
    fit = np.linalg.lstsq(design, fields.reshape(len(days), -1), rcond=None)[0].reshape(
        3, *fields.shape[1:]
    )
    mean, cosine, sine = (analysis(f, latitude, longitude, COARSE) for f in fit)
    slow = fields - np.tensordot(design, fit, axes=1)

    steps, fine_latitude, fine_longitude, fine_days = load(hourly)
    fine = np.zeros((FINE, FINE), complex)
    fine[:COARSE, :COARSE] = mean
    phase = 2 * np.pi * fine_days.mean() / YEAR
    climate = fine.copy()
    climate[:COARSE, :COARSE] += np.cos(phase) * cosine + np.sin(phase) * sine
    detail = analysis(
        steps.mean(0) - synthesis(climate, fine_latitude, fine_longitude),
        fine_latitude,
        fine_longitude,
        FINE,
    )
    detail[:COARSE, :COARSE] = 0
    fine += detail

    quick = steps - steps.mean(0)
    weight = np.cos(np.radians(latitude))
    profile = np.sqrt((slow**2).mean((0, 2)))
    envelope = np.polynomial.polynomial.polyfit(
        np.sin(np.radians(latitude)), profile, 6, w=np.sqrt(weight)
    )

    def spectrum(anomalies, lat, lon, degrees):
        scaled = (
            anomalies
            / np.maximum(np.polynomial.polynomial.polyval(np.sin(np.radians(lat)), envelope), 0.5)[
                :, None
            ]
        )
        each = np.array([np.abs(analysis(a, lat, lon, degrees)) ** 2 for a in scaled]).mean(0)
        return np.array([each[: n + 1, n].sum() / (2 * n + 1) for n in range(degrees)])

    variance = spectrum(quick, fine_latitude, fine_longitude, FINE)
    variance[:COARSE] = np.maximum(
        variance[:COARSE], spectrum(slow[::3], latitude, longitude, COARSE)
    )
    # The shape by degree is the larger of the two; the total is the sum of slow and quick variance.
    fine_weight = np.cos(np.radians(fine_latitude))
    total = np.average((slow**2).mean((0, 2)), weights=weight) + np.average(
        (quick**2).mean((0, 2)), weights=fine_weight
    )
    local = np.average(
        np.polynomial.polynomial.polyval(np.sin(np.radians(latitude)), envelope) ** 2,
        weights=weight,
    )
    spread = np.sqrt(variance * total / local / (variance * (2 * np.arange(FINE) + 1)).sum())
    small = {
        "mean": fine,
        "annual": np.stack([cosine, sine]),
        "spread": spread,
        "envelope": envelope,
    }
    np.savez_compressed(
        out,
        **{
            k: v.astype(np.complex64 if np.iscomplexobj(v) else np.float32)
            for k, v in small.items()
        },
    )

    from stegafield.generators import climate as law

    rng = np.random.default_rng(0)
    drawn = np.array([law.sample(latitude, longitude, d, rng) for d in days[:53]])
    real = fields[:53]
    area = np.broadcast_to(weight[:, None], real.shape[1:])
    print("                     ERA5 weekly means    this law")
    rows = {
        "global mean, K": lambda f: np.average(f.mean(0), weights=area),
        "least, K": np.min,
        "greatest, K": np.max,
        "equator to pole, K": lambda f: (
            f.mean(0)[np.abs(latitude) < 10].mean() - f.mean(0)[np.abs(latitude) > 75].mean()
        ),
    }
    for name, measure in rows.items():
        print(f"{name:20} {measure(real):12.2f} {measure(drawn):15.2f}")
    one_day = np.array(
        [law.sample(fine_latitude, fine_longitude, fine_days.mean(), rng) for _ in range(24)]
    )
    spreads = [np.sqrt(np.average(f.var(0).mean(1), weights=fine_weight)) for f in (steps, one_day)]
    print(
        f"std of the weather of one season, K: steps of one week {spreads[0]:.2f}, this law {spreads[1]:.2f}"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
