"""Train the law of global 2 m temperature that generators/weather.py draws from.

Prints what was compared.

    python research/scripts/fit_weather.py --weekly WEEKLY.nc --hourly HOURLY.nc
        --fields FIELDS.npz --pressure ERAI.nc --finest QUARTER.nc --land MASK.npz
        --out src/stegafield/generators/weather.npz

WEEKLY: weekly mean t2m of 1980 to 1982 on 32x64 points. HOURLY: single steps of one week on 1
degree. FIELDS: the 226 fields at 46x90, of which the monthly climatology (ITU-R P.1510: 36 years of
ERA-Interim) and the winter means (NCEP, to check the warming) are used. PRESSURE: any t2m-like file
with surface pressure `sp` at 0.75 degrees, which tells the height of the ground. QUARTER: a
`temperature` at 0.25 degrees (850 hPa), which tells how the spectrum falls where one degree does
not reach. MASK: the land mask of the package global-land-mask (NOAA GLOBE, 30 arc seconds). Number
i in FIELDS is held out of training where i is a multiple of 8, in all files. Needs the extra "dev";
some minutes on one core.
"""

import argparse
import time
from itertools import pairwise

import numpy as np
import xarray
from scipy.interpolate import RectBivariateSpline, RegularGridInterpolator
from scipy.linalg import cho_factor, cho_solve

from stegafield.generators.sphere import interpolate, legendre, synthesis
from stegafield.generators.weather import YEAR, Law, coast, gaussian_series, insolation

HELD_OUT = 8
WEEKS, STEPS = slice(0, 159), slice(159, 183)  # where the sources stand among the 226 fields
DEGREES, SLOW = 360, 64
COARSE = np.linspace(90, -90, 46), np.arange(90) * 4.0
FINE = np.linspace(90, -90, 181), np.arange(360) * 1.0
FINEST = np.linspace(90, -90, 721), np.arange(1440) / 4
MODES = 80


def harmonics(degree, latitude, longitude):
    """Real spherical harmonics below a degree at points (n,), and the degree of each.

    The array has the shape (n, degree^2).
    """
    basis, of = [], []
    waves = [m * np.radians(longitude) for m in range(degree)]
    for n, functions in enumerate(legendre(latitude, degree, degree)):
        basis.append(functions[0].copy())
        basis += [f * w(waves[m]) for m, f in enumerate(functions) if m for w in (np.cos, np.sin)]
        of += [n] * (2 * n + 1)
    return np.stack(basis, axis=1), np.array(of)


def points(latitude, longitude):
    """The points of a grid, flat."""
    return (g.ravel() for g in np.meshgrid(latitude, longitude, indexing="ij"))


def features(parts, latitude, longitude):
    """Harmonics times land, height or 1, and a ridge that grows with the degree.

    `parts` is [(name, degree)].
    """
    at = {"1": 1.0, "land": GROUND["land"], "height": GROUND["height"]}
    columns, ridge = [], []
    for name, degree in parts:
        basis, of = harmonics(degree, latitude, longitude)
        value = at[name](latitude, longitude) if name != "1" else np.ones(len(latitude))
        columns.append(basis * value[:, None])
        ridge.append(1.0 * of * (of + 1))
    return np.concatenate(columns, axis=1), np.concatenate(ridge)


GROUND = {}


def sampler(latitude, longitude, field):
    """A function (points) -> bilinear values of a global field on a regular grid.

    The grid includes the poles; its longitudes begin at 0.
    """
    closed = np.concatenate([field, field[:, :1]], axis=1)
    spline = RectBivariateSpline(
        latitude[::-1], np.append(longitude, 360.0), closed[::-1], kx=1, ky=1
    )
    return lambda lat, lon: spline.ev(lat, lon % 360)


def ground(land_file, pressure_file):
    """Land share and height of the ground as functions of points; and the land lattice.

    The share is of 0.25 degrees, the height is in km.
    """
    ocean = np.load(land_file)["mask"]  # rows from 90 south, columns from -180 east, 120 a degree
    land = np.roll(~ocean, 21600 + 15, axis=1).reshape(21600, 1440, 30).mean(2)
    rows = (
        np.concatenate([np.zeros((15, 1440)), land, np.ones((15, 1440))])
        .reshape(721, 30, 1440)
        .mean(1)
    )
    rows[0], rows[-1] = 0, 1
    GROUND["land"] = sampler(*FINEST, rows)
    data = xarray.load_dataset(pressure_file)
    height = 44.331 * (1 - (data["sp"].values[0] / 101325) ** 0.1903)
    height[0], height[-1] = height[0].mean(), height[-1].mean()
    raw = sampler(
        data["latitude"].values.astype(float), data["longitude"].values.astype(float), height
    )
    # Over the sea this is weather, not ground.
    GROUND["height"] = lambda lat, lon: raw(lat, lon).clip(0) * GROUND["land"](lat, lon)
    return rows


def solve(design, target, ridge, weight):
    """Weighted ridge regression."""
    scaled = design * weight[:, None]
    return np.linalg.solve(scaled.T @ design + np.diag(ridge + 1e-9), scaled.T @ target)


def on_lattice(values, latitude, longitude, grid):
    """Fields (..., 32, 64) of cell centres as smooth functions on a grid with poles.

    Interpolated by periodic splines.
    """
    across = np.roll(values, longitude.size // 2, axis=-1)
    step = latitude[0] - latitude[1]
    lat = np.concatenate(
        [latitude[0] + step * np.arange(3, 0, -1), latitude, latitude[-1] - step * np.arange(1, 4)]
    )
    lon = np.concatenate([longitude[-4:] - 360, longitude, longitude[:4] + 360])
    tall = np.concatenate([across[..., 2::-1, :], values, across[..., :-4:-1, :]], axis=-2)
    wide = np.concatenate([tall[..., -4:], tall, tall[..., :4]], axis=-1)
    flat = [
        RectBivariateSpline(lat[::-1], lon, f[::-1])(grid[0][::-1], grid[1])[::-1]
        for f in wide.reshape(-1, lat.size, lon.size)
    ]
    out = np.array(flat).reshape(*values.shape[:-2], grid[0].size, grid[1].size)
    out[..., [0, -1], :] = out[..., [0, -1], :].mean(-1, keepdims=True)
    return out


def analysis(field, latitude, longitude, degrees):
    """Coefficients (order, degree) of fields (..., y, x) on a regular grid, by quadrature."""
    waves = np.exp(-1j * np.outer(np.arange(degrees), np.radians(longitude))) / longitude.size
    weight = np.cos(np.radians(latitude))
    by_order = (field @ waves.T) * (weight / weight.sum())[:, None]
    series = np.zeros((*field.shape[:-2], degrees, degrees), complex)
    for n, functions in enumerate(legendre(latitude, degrees, degrees)):
        series[..., : n + 1, n] = np.einsum("my,...ym->...m", functions, by_order[..., : n + 1])
    return series


def power(fields, latitude, longitude, degrees):
    """Mean variance of one coefficient, by degree."""
    total = (np.abs(analysis(fields, latitude, longitude, degrees)) ** 2).mean(0)
    return total.sum(0) / (2 * np.arange(degrees) + 1)


def squares_of(fields, degrees):
    """Mean variance of one coefficient of fields on 1 degree, by order and degree."""
    squares = (np.abs(analysis(fields, *FINE, degrees)) ** 2).mean(0)
    squares[1:] /= 2
    return squares


def slant(found, expected, degrees):
    """Ratio of variances (order, degree), smooth in log(degree) and in order / degree.

    Zonal means are apart. A prior of 1 with the weight of 20 squares steadies what few coefficients
    tell; a week's fields count as 6.
    """
    steps, shares = [1, 4, 8, 14, 22, 34, 50, 80], [-1, 0, 0.1, 0.25, 0.4, 0.55, 0.7, 0.85, 1]
    order, degree = np.ogrid[: len(found), : len(found)]
    share = order / np.maximum(degree, 1)
    ratio = found / np.where(order <= degree, expected, 1)
    nodes = np.ones((len(steps) - 1, len(shares) - 1))
    for i, (low, high) in enumerate(pairwise(steps)):
        for j, (left, right) in enumerate(pairwise(shares)):
            here = (degree >= low) & (degree < high) & (share > left) & (share <= right)
            nodes[i, j] = (6 * ratio[here].sum() + 20) / (6 * here.sum() + 20)
    middle = np.log([np.sqrt(low * high) for low, high in pairwise(steps)])
    centres = [(left + right) / 2 for left, right in pairwise(shares[1:])]
    order, degree = np.mgrid[:degrees, :degrees]
    at = np.log(degree.clip(np.exp(middle[0]), np.exp(middle[-1])))
    waves = RegularGridInterpolator((middle, centres), nodes[:, 1:])
    share = (order / np.maximum(degree, 1)).clip(centres[0], centres[-1])
    smooth = waves(np.stack([at, share], axis=-1))
    smooth[0] = np.interp(at[0], middle, nodes[:, 0])
    return smooth


def year(days, two=True):
    """1, and cosine and sine of the phase of the year (and of twice that)."""
    phase = 2 * np.pi * np.asarray(days) / YEAR
    waves = [np.ones_like(phase), np.cos(phase), np.sin(phase)]
    return np.stack(waves + ([np.cos(2 * phase), np.sin(2 * phase)] if two else []), axis=-1)


def day_of(times):
    """Days since the year began, with fractions."""
    return np.array([(t - t.astype("datetime64[Y]")) / np.timedelta64(1, "D") for t in times])


def seen_coarsely(fields):
    """Fields on 1 degree as FIELDS shows them: means of 4x4 points around its own."""
    wide = np.concatenate([fields[..., :1, :], fields, *[fields[..., -1:, :]] * 2], axis=-2)
    wide = np.roll(wide, 2, axis=-1)
    return wide.reshape(*fields.shape[:-2], 46, 4, 90, 4).mean((-3, -1))


def ramp(degrees, first, last):
    """By degree: 0 up to `first`, 1 from `last` on."""
    return 0.5 - 0.5 * np.cos(np.pi * np.clip((np.arange(degrees) - first) / (last - first), 0, 1))


def climatology(cycle, means, months):
    """The cycle (5, 181, 360) with what monthly means (n, 46, 90) know between degrees 6 and 44.

    Fitted are mean, year and half year, less what averaging over a month loses of them.
    """
    middle = (np.asarray(months) - 0.5) / 12 * YEAR
    loss = np.sinc(np.array([0, 1, 1, 2, 2]) / 12)
    found = np.linalg.lstsq(year(middle) * loss, means.reshape(len(means), -1), rcond=None)[0]
    band = ramp(45, 6, 12) * (1 - ramp(45, 36, 44))
    for _ in range(4):  # averages over 4 degrees hide some of it
        lack = found.reshape(5, 46, 90) - seen_coarsely(cycle)
        cycle = cycle + [synthesis(s * band, *FINE) for s in analysis(lack, *COARSE, 45)]
    return cycle


def kriged(values, at, reach, share):
    """Values known at points (latitude, longitude), on 1 degree; their correlation is Gaussian.

    `reach` is its width in degrees, `share` of their variance is believed.
    """

    def unit(latitude, longitude):
        north, east = np.radians(latitude), np.radians(longitude)
        return np.stack(
            [np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], -1
        )

    known, narrow = unit(*at), np.radians(reach) ** 2
    matrix = np.exp((known @ known.T - 1) / narrow)
    matrix[np.diag_indices_from(matrix)] = 1 / share
    strength = np.linalg.solve(matrix, values)
    rows = (unit(np.full(360, row), FINE[1]) for row in FINE[0])
    return np.stack([np.exp((row @ known.T - 1) / narrow) @ strength for row in rows])


def area_of(latitude):
    """The area that a row of a grid stands for, up to a factor."""
    return np.cos(np.radians(latitude))


def kept(count, first):
    """Which items of a source are trained on."""
    return (np.arange(count) + first) % HELD_OUT != 0


def log_variance(squares, design_space, seasons, ridge, weight):
    """A log-linear model of variance, by gamma regression.

    For each column: squares (t, n), design (n, p), seasons (t, q). Columns of the result are space
    times season: p x q coefficients of log variance.
    """
    t, q = seasons.shape
    p = design_space.shape[1]
    gram = np.kron(seasons.T @ seasons, design_space.T @ (design_space * weight[:, None]))
    penalty = np.tile(ridge, q) * t * weight.sum() * 1e-4 + 1e-6 * t * weight.sum()
    penalty[p:] += np.tile(ridge, q - 1) * t * weight.sum() * 1e-4
    beta = np.zeros(p * q)
    beta[0] = np.log(squares.mean())
    for _ in range(60):
        log = (seasons @ beta.reshape(q, p)) @ design_space.T
        gradient = (seasons.T @ ((squares / np.exp(log) - 1) * weight) @ design_space).ravel()
        step = np.linalg.solve(
            gram + np.diag(penalty), gradient - penalty * (beta - np.eye(p * q)[0] * beta[0])
        )
        beta = beta + 0.7 * step.clip(-1, 1)
    return beta.reshape(q, p)


def correlation(spread, latitude, longitude):
    """Correlation matrix, at points, of an isotropic field.

    It has these standard deviations by degree.
    """
    north, east = np.radians(latitude), np.radians(longitude)
    unit = np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], 1)
    degree = np.arange(spread.size)
    return np.polynomial.legendre.legval(
        np.clip(unit @ unit.T, -1, 1), spread**2 * (2 * degree + 1)
    )


def main():
    """Fit, compare, save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    for name in ("weekly", "hourly", "fields", "pressure", "finest", "land", "out"):
        parser.add_argument(f"--{name}", required=True)
    files = parser.parse_args()
    begun = time.perf_counter()
    land = ground(files.land, files.pressure)
    law = {"land": np.rint(land * 255).astype(np.uint8)}

    # 1. The cycle of the year: what the weekly means say, with coasts and mountains from land and
    #    height.
    data = xarray.load_dataset(files.weekly)
    lat, lon = data["lat"].values[::-1].astype(float), data["lon"].values.astype(float)
    weekly = data["t2m"].values[:, ::-1].astype(float)
    middle = day_of(data["time"].values) + 3.5
    train = kept(159, 0)
    waves = year(middle)
    cycle = np.linalg.lstsq(waves[train], weekly[train].reshape(train.sum(), -1), rcond=None)[0]
    anomaly = (weekly.reshape(159, -1) - waves @ cycle) * np.sqrt(train.sum() / (train.sum() - 5))
    at = list(points(lat, lon))
    area = np.cos(np.radians(at[0]))
    parts = [("1", 11), ("land", 7), ("height", 4)]
    design, ridge = features(parts, *at)
    beta = solve(design, cycle.T, 1e-3 * ridge, area)
    print(
        "cycle explained by land and height, K rms left:",
        np.sqrt(np.average((cycle.T - design @ beta) ** 2, axis=0, weights=area)).round(2),
    )
    rest = on_lattice((cycle.T - design @ beta).T.reshape(5, lat.size, lon.size), lat, lon, FINE)
    cycle_fine = (features(parts, *points(*FINE))[0] @ beta).T.reshape(5, 181, 360) + rest
    contrast = harmonics(7, *points(*COARSE))[0] @ beta[121:170]
    law["contrast"] = contrast.T.reshape(5, 46, 90)

    # 2. Between 4 and 30 degrees weekly means on a coarse grid fold what they cannot resolve: there
    #    a climatology of all months is believed, and checked on months that it was not given.
    fields = np.load(files.fields)
    source = [str(name) for name in fields["source"]]
    monthly = [i for i, name in enumerate(source) if name.startswith("itu") and i % HELD_OUT]
    months = np.array([int(source[i][-2:]) for i in monthly])
    means = fields["t2m"][monthly].astype(float)
    band, apart = ramp(45, 6, 12) * (1 - ramp(45, 36, 44)), []
    for left in (np.arange(first, len(months), 4) for first in range(4)):
        others = np.delete(np.arange(len(months)), left)
        filled = climatology(cycle_fine, means[others], months[others])
        for state in (cycle_fine, filled):
            phases = year((months[left] - 0.5) / 12 * YEAR)
            off = means[left] - seen_coarsely(np.tensordot(phases, state, 1))
            off = np.stack([synthesis(s * band, *COARSE) for s in analysis(off, *COARSE, 45)])
            apart.append(np.average((off**2).mean((0, 2)), weights=np.cos(np.radians(COARSE[0]))))
    print(
        "months left out, degrees 6 to 44, K rms off: without and with the other months",
        np.sqrt(np.reshape(apart, (4, 2)).mean(0)).round(2),
    )
    cycle_fine = climatology(cycle_fine, means, months)

    # 3. What one degree shows beyond that: the mean of a week, without its long waves.
    data = xarray.load_dataset(files.hourly)
    steps, times = data["t2m"].values.astype(float), data["time"].values
    use = kept(24, STEPS.start)
    march = day_of(times).mean()
    march_2026 = 2026 + march / YEAR
    mean = steps[use].mean(0)
    beyond = mean - np.tensordot(year(march), cycle_fine, 1)
    weight = np.cos(np.radians(FINE[0]))
    detail = beyond - synthesis(analysis(beyond, *FINE, 45) * (1 - ramp(45, 36, 44)), *FINE)
    # A week's weather is in it, too: halves of the week do not have that in common.
    half = [steps[use][part].mean(0) for part in (slice(0, 10), slice(11, 21))]
    half = [h - synthesis(analysis(h, *FINE, 45) * (1 - ramp(45, 36, 44)), *FINE) for h in half]
    pairs = half, (half[0],) * 2, (half[1],) * 2
    both, *own = (np.average((one * other).mean(1), weights=weight) for one, other in pairs)
    share = both / np.sqrt(own[0] * own[1])
    print("detail beyond degree 40: correlation of the halves of a week", round(share, 3))
    detail *= np.sqrt(share)
    print("detail, K rms:", round(np.sqrt(np.average((detail**2).mean(1), weights=weight)), 2))
    cycle_fine[0] += detail
    cycle_fine[:, [0, -1]] = cycle_fine[:, [0, -1]].mean(2, keepdims=True)

    # What the weekly means know of their own points beyond that: two years of it predict four
    # fifths of a third year's, and its correlation falls with the distance as these reaches say
    # (degrees; the mean, and the waves).
    def lack():
        jump = interpolate(coast(land), lat, lon)
        parts = zip(cycle_fine, law["contrast"], strict=True)
        return cycle.reshape(5, lat.size, lon.size) - [
            interpolate(part, lat, lon) + jump * interpolate(edge, lat, lon) for part, edge in parts
        ]

    before, rms = (
        lack(),
        lambda x: np.sqrt(np.average((x**2).mean(2), axis=1, weights=area_of(lat))),
    )
    own = (weekly - np.tensordot(waves, cycle.reshape(before.shape) - before, 1))[train]
    of = (np.arange(159) // 53)[train]
    own = np.stack([own[of == n].mean(0) for n in range(3)])
    slopes = []
    for n in range(3):
        rest = (own.sum(0) - own[n]) / 2
        slopes.append(
            np.average((rest * own[n]).mean(1), weights=area_of(lat))
            / np.average((rest**2).mean(1), weights=area_of(lat))
        )
    print("points of the weekly means: one year's lack by that of two others", np.round(slopes, 2))
    for number, reach in enumerate((1.2, 2.8, 2.8, 2.8, 2.8)):
        cycle_fine[number] += kriged(before[number].ravel(), at, reach, np.mean(slopes))
    cycle_fine[:, [0, -1]] = cycle_fine[:, [0, -1]].mean(2, keepdims=True)
    print(
        "the cycle there, K rms off: before and after", rms(before).round(2), rms(lack()).round(2)
    )
    law["cycle"] = cycle_fine

    # 4. Warming between 1981 and 2026: a week tells no more than its mean, slope and curvature in
    #    latitude, and land in either hemisphere.
    at_fine, flat = list(points(*FINE)), np.repeat(np.cos(np.radians(FINE[0])), 360).clip(1e-6)

    def few(lat, lon):
        slope = np.sin(np.radians(lat))
        shore = GROUND["land"](lat, lon)
        return np.stack([np.ones_like(lat), slope, slope**2, shore, shore * slope], axis=1)

    passed = march_2026 - 1981.5
    shape = solve(few(*at_fine), beyond.ravel(), np.zeros(5), flat) / passed
    law["trend"] = (few(*points(*COARSE)) @ shape).reshape(46, 90)
    law["trend"][[0, -1]] = law["trend"][[0, -1]].mean(1, keepdims=True)
    winter = np.flatnonzero([name.startswith("ncep") for name in source])
    good = winter % HELD_OUT != 0
    means = np.average(fields["t2m"][winter].mean(2), axis=1, weights=np.cos(np.radians(COARSE[0])))
    slope = np.polyfit(np.arange(winter.size)[good], means[good], 1)[0]
    whole = np.average(beyond.ravel(), weights=flat) / passed
    print(f"warming, K a year: {whole:.4f} from 1981 to 2026; {slope:.4f} in NCEP's winters")
    print("its mean, slope, curvature, land, its slope:", shape.round(4))

    # 5. Local standard deviation of weekly anomalies, by season.
    seasons = year(middle, two=False)
    envelope = [("1", 7), ("land", 4)]
    space, penalty = features(envelope, *at)
    squares = anomaly[train] ** 2
    coefficients = log_variance(squares, space, seasons[train], penalty, np.sqrt(area)) / 2
    space_fine = features(envelope, *points(*FINE))[0]
    law["spread"] = (coefficients @ space_fine.T).reshape(3, 181, 360)
    scaled = anomaly / np.exp(seasons @ coefficients @ space.T)

    # 6. Modes of the scaled anomalies, and an isotropic field for what they leave.
    print(
        "kurtosis of anomalies: raw",
        kurtosis(anomaly[train], area),
        "scaled",
        kurtosis(scaled[train], area),
    )
    shapes, variance = principal(scaled[train], area)
    # In the sample that they are made from, principal components look stronger than they are:
    # five blocks of weeks tell by how much.
    share = np.ones(len(variance))
    for block in np.array_split(np.arange(train.sum()), 5):
        others = np.delete(scaled[train], block, axis=0)
        found, inside = principal(others, area)
        outside = (project(scaled[train][block], found, area) ** 2).mean(0)
        for start in range(0, len(inside) - 8, 8):
            share[start : start + 8] += (
                outside[start : start + 8].sum() / inside[start : start + 8].sum() / 5
            )
    share = np.minimum(share - 1, 1)
    print(
        "variance of the modes outside of the sample that made them, by eights:",
        share[:80:8].round(2),
    )
    degree = np.arange(SLOW)
    table = {}
    for count in (0, 5, 10, 20, 40, 80, 110):
        kept_variance = variance[:count] * share[:count]
        left = scaled[train] - project(scaled[train], shapes[:count], area) @ shapes[:count]
        spectrum = power(left.reshape(-1, lat.size, lon.size), lat, lon, 32)
        if count:
            lost = shapes[:count] * np.sqrt(variance[:count] - kept_variance)[:, None]
            spectrum += count * power(lost.reshape(-1, lat.size, lon.size), lat, lon, 32)
        slope = np.polyfit(
            np.log(degree[14:28]), np.log(spectrum[14:28] * (2 * degree[14:28] + 1)), 1
        )
        tail = np.exp(np.polyval(slope, np.log(degree + 1e-9))) / (2 * degree + 1)
        spectrum = np.concatenate([spectrum[:28], tail[28:]])
        rest = np.average((scaled[train] ** 2).mean(0), weights=area) - kept_variance.sum()
        table[count] = np.sqrt(spectrum * rest / (spectrum * (2 * degree + 1)).sum())
        few_points = np.arange(area.size).reshape(lat.size, lon.size)[::2, ::2].ravel()
        field = (shapes[:count] * np.sqrt(kept_variance)[:, None])[:, few_points]
        matrix = field.T @ field + correlation(table[count], at[0][few_points], at[1][few_points])
        matrix[np.diag_indices_from(matrix)] += 1e-3
        factor = cho_factor(matrix, lower=True)
        held = scaled[~train][:, few_points]
        quadratic = (held.T * cho_solve(factor, held.T)).sum(0).mean()
        likelihood = -0.5 * quadratic - np.log(np.diag(factor[0])).sum()
        print(
            f"modes {count:3d}: log likelihood of a held-out field {likelihood:7.1f},",
            f"quadratic form {quadratic:6.1f} of {few_points.size}",
        )
    strength = np.sqrt(variance * share)[:MODES]
    law["modes"] = on_lattice(
        (shapes[:MODES] * strength[:, None]).reshape(-1, lat.size, lon.size), lat, lon, COARSE
    )
    law["slow"] = table[MODES]
    # Modes and field together vary by another amount than the anomalies: the spread makes up for
    # it.
    together = (law["modes"] ** 2).sum(0) + (law["slow"] ** 2 * (2 * degree + 1)).sum()
    found = on_lattice((scaled[train] ** 2).mean(0).reshape(lat.size, lon.size), lat, lon, COARSE)
    excess = np.sqrt(together / found.clip(0.2))
    print(
        "standard deviation of modes and field over that of anomalies:",
        np.quantile(excess, [0.05, 0.5, 0.95]).round(2),
    )
    law["spread"][0] -= interpolate(np.log(excess), *FINE)
    scores = project(scaled, shapes[:MODES], area) / strength
    for name, of in (("trained on", train), ("held out", ~train)):
        second = np.mean(scores[of] ** 2)
        print(
            f"scores of the modes, {name}: variance {second:.2f}, "
            f"kurtosis {np.mean(scores[of] ** 4) / second**2:.2f}"
        )

    # 7. The cycle of the day, in local solar time; what is left is the weather within a week.
    hour = (times - times[0].astype("datetime64[D]")) / np.timedelta64(1, "h")
    every = (FINE[0][::2], FINE[1][::2])
    here = list(points(*every))
    daily = [("1", 5), ("land", 9), ("height", 3)]
    bend = [("land", 5)]
    one, ridge_one = features(daily, *here)
    two, ridge_two = features(bend, *here)
    angle = 2 * np.pi * hour[:, None] / 24 + np.radians(here[1])
    rows = [
        np.concatenate(
            [one * w(a)[:, None] for w in (np.cos, np.sin)]
            + [two * w(2 * a)[:, None] for w in (np.cos, np.sin)],
            axis=1,
        )
        for a in angle
    ]
    sun = insolation(here[0], march)[:, None]
    departures = (steps - mean)[:, ::2, ::2].reshape(24, -1)
    flat = np.cos(np.radians(here[0])).clip(1e-6)
    gram = sum((r * sun * flat[:, None]).T @ (r * sun) for r, u in zip(rows, use, strict=True) if u)
    right = sum(
        (r * sun * flat[:, None]).T @ d for r, d, u in zip(rows, departures, use, strict=True) if u
    )
    beta = np.linalg.solve(
        gram + np.diag(0.3 * np.concatenate([ridge_one, ridge_one, ridge_two, ridge_two]) + 1e-6),
        right,
    )
    fine_one, fine_two = features(daily, *points(*FINE))[0], features(bend, *points(*FINE))[0]
    n, m = one.shape[1], two.shape[1]
    split = beta[:n], beta[n : 2 * n], beta[2 * n : 2 * n + m], beta[2 * n + m :]
    law["daily"] = np.stack(
        [fine_one @ split[0], fine_one @ split[1], fine_two @ split[2], fine_two @ split[3]]
    ).reshape(4, 181, 360)
    law["daily"][:, [0, -1]] = 0.0
    angle = 2 * np.pi * hour[:, None, None] / 24 + np.radians(FINE[1])
    sun = insolation(FINE[0], march)[None, :, None]
    d = law["daily"]
    clock = sun * (
        d[0] * np.cos(angle)
        + d[1] * np.sin(angle)
        + d[2] * np.cos(2 * angle)
        + d[3] * np.sin(2 * angle)
    )
    count = use.sum()
    fast = (steps - mean - clock) * np.sqrt(count / (count - 1))
    rms = [
        np.sqrt(np.average((x**2).mean((0, 2)), weights=weight))
        for x in ((steps - mean)[use], fast[use], (steps - mean)[~use], fast[~use])
    ]
    print(
        "within a week, K rms: all, without the day's cycle; the same held out:", np.round(rms, 2)
    )

    # 8. Its local standard deviation and spectrum by degree, with the power law that they end in.
    at_here = features([("1", 7), ("land", 5)], *here)
    coefficients = (
        log_variance(
            fast[use][:, ::2, ::2].reshape(count, -1) ** 2,
            at_here[0],
            np.ones((count, 1)),
            at_here[1],
            np.sqrt(flat),
        )
        / 2
    )
    local = (features([("1", 7), ("land", 5)], *points(*FINE))[0] @ coefficients[0]).reshape(
        181, 360
    )
    law["gust"] = local - np.tensordot(year(march, two=False)[1:], law["spread"][1:], 1)
    target, rng = power(fast[use], *FINE, 140), np.random.default_rng(0)
    spectrum = power(fast[use] / np.exp(local), *FINE, 140)
    for _ in range(4):  # what the local standard deviation does to a spectrum is undone
        fields = [synthesis(gaussian_series(np.sqrt(spectrum), rng), *FINE) for _ in range(8)]
        ratio = np.log(target / power(np.exp(local) * np.array(fields), *FINE, 140))
        spectrum *= np.exp(np.convolve(np.pad(ratio, 4, "edge"), np.ones(9) / 9, "valid"))
    degree = np.arange(140)
    finest = xarray.load_dataset(files.finest)["temperature"].values[0, 0].astype(float)
    zonal = (np.abs(np.fft.rfft(finest[120:-120])) ** 2).mean(0)
    fall, _ = np.polyfit(np.log(np.arange(90, 300)), np.log(zonal[90:300]), 1)
    print(f"spectrum of a field at 0.25 degrees from wavenumber 90 to 300: power {fall:.2f}")
    every = np.arange(DEGREES)
    level = np.mean(spectrum[80:90] * (2 * degree[80:90] + 1))
    tail = level * (np.maximum(every, 1) / 84.5) ** fall / (2 * every + 1)
    tail *= 0.5 + 0.5 * np.cos(np.pi * np.clip((every - 300) / 60, 0, 1))
    tail[:90] = spectrum[:90]
    tail[0] = min(tail[0], spectrum[1])
    # Waves along a parallel and across it are not alike. What the shape of one half of the week
    # says is tried on the other: the mean of log(variance) + square / variance, less is better.
    drawn = [synthesis(gaussian_series(np.sqrt(tail[:140]), rng), *FINE) for _ in range(16)]
    drawn = squares_of(np.exp(local) * np.array(drawn), 140)
    one, other = (squares_of(fast[use][part], 140) for part in (slice(0, 10), slice(11, 21)))
    twice, misfit = np.where(every[:, None] > 0, 2, 1), []
    for expected in (drawn, drawn * slant(one, drawn, 140)):
        level = (other * twice[:140]).sum(0) / np.triu(expected * twice[:140]).sum(0)
        inside = np.triu(np.ones((140, 140), bool), 1) & (every[:140] >= 4) & (every[:140] < 80)
        square, variance = other[inside], (expected * level)[inside]
        misfit.append((np.log(variance) + square / variance).mean())
    print("waves within a week alike in all directions, or not:", np.round(misfit, 3))
    spectrum = np.triu(tail * slant(squares_of(fast[use], 140), drawn, DEGREES))
    spectrum *= tail * (2 * every + 1) / np.maximum((spectrum * twice).sum(0), 1e-30)
    total = (spectrum * twice).sum()
    law["fast"], law["gust"] = np.sqrt(spectrum / total), law["gust"] + np.log(total) / 2
    print(f"variance of the weather within a week in units of its local one: {total:.2f}")

    dtype = {"cycle": np.float32, "land": np.uint8, "slow": np.float32, "fast": np.float32}
    np.savez_compressed(
        files.out, **{k: law[k].astype(dtype.get(k, np.float16)) for k in Law._fields}
    )
    print(f"{time.perf_counter() - begun:.0f} s")


def principal(fields, area):
    """Principal components of fields (t, n), and their variances.

    The shapes have unit mean square over the sphere.
    """
    root = np.sqrt(area / area.sum())
    _, singular, shapes = np.linalg.svd(fields * root, full_matrices=False)
    return shapes / root, singular**2 / len(fields)


def project(fields, shapes, area):
    """Scores (t, k) of fields on shapes."""
    return fields @ (shapes * area / area.sum()).T


def kurtosis(anomalies, area):
    """Fourth moment over the squared second, averaged over the sphere."""
    ratio = (anomalies**4).mean(0) / (anomalies**2).mean(0) ** 2
    return round(float(np.average(ratio, weights=area)), 2)


if __name__ == "__main__":
    main()
