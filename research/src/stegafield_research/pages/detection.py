"""The page of detection, in Markdown, from rows of `bench detect`: the same rows give the same page."""

from collections.abc import Iterable
from typing import Any

Row = dict[str, Any]

_HEAD = """# Detection

This page is made by a command, from what `stegafield bench detect` measured; do not edit it.
`research/scripts/detection.py` runs the commands below on photographs that are not part of the repository. Their rows
are in `research/data/detection/`:

```text
python research/scripts/detection.py PHOTOS ROWS
stegafield bench report ROWS --out docs/detection.md
```

## The threat model in short
The warden has this package, its source and a detector, and sees files. They know neither the key nor the cover. What
`sample` draws into a generated cover is within 10^-5 nats of a plain one, whatever the detector; what `project` changes
in a file of your own is a change, and the tables below say how often some detectors saw it. Who has the original sees
every change, whatever the method. The [threat model](threat-model.md) says all of it: who the warden is, what the bound
says and does not, keys and passphrases, covers that are used twice, and what a file keeps of its encoder's habits.

## How to read it
A warden with a detector calls a file stego or not. **P_E** is the mean of both errors, false alarms and missed
stegos: 0.5 is guessing, 0 is always right. Thresholds are fixed on the training half of the *sources*, never on
what is tested, so P_E may come out a little above 0.5. All numbers are means over random splits (each section says how
many), with 95 % bootstrap intervals over sources. They tell what other covers to test on would have changed, not what
other covers to train on would have. One interval in twenty misses by chance. **AUC** is the probability that a stego
scores above a cover: 0.5 is guessing.

`phase` is what `hide` writes: salt, header and a payload that fills every window; with costs, which is the default, or
without. The other methods are simulated on the same covers with the bits per sample that `phase` carries, salt and
header (192 bits) included. HILL and S-UNIWARD are simulated with the least expected cost that coding theory allows.
HILL and `phase` with costs take the same costs: what is left between them is the code.

`sample` is what `hide` writes into covers that it generates. Each pair has one function f, and noise of its own in the
plain file and in the stego, so that nothing but noise differs, which helps a detector most. `wrong-sigma` is a
control: plain draws with noise 5 % too strong, as a sampler with a fault would make them. Where a detector does not
find that, its 0.5 against `sample` says little.

What makes these numbers too kind or too harsh:

* The photographs of BSDS were JPEG files. Decoded covers have traces of compression that smooth places betray, so
  detectors find changes there more easily than in pictures from a sensor. Adaptive methods avoid just these places.
* Pairs from 51 to 206 photographs train a weak detector (generated covers: from 500 to 5,000 functions). A warden with
  tens of thousands of pictures of the same camera does better; `SPAM` and an ensemble are of 2012, and deep networks do
  better still. A P_E near 0.5 here is no promise.
* The warden of these tables knows method, rate and kind of cover exactly, and sees one file, half of the time a
  stego."""

_LAW = """## The sampler before an independent one
Windows of {samples} samples in all that the sampler drew for uniform symbols, and as many of `round(f + noise)` by code
of its own in `research/`, for the same f: p-values of two-sample tests on single samples by the place of f within a code,
residues, neighbours and sums, of ten parts each, combined as Fisher did. A true sampler has any p-value between 0 and
1. As both have the same f, counts differ less than chi-square expects: values near 1 are usual, values near 0 are not.
The last column is the least p-value of one part where the sampler believes in noise that is 5 % too strong.

```text
python research/scripts/law.py ROWS
```"""

_SIZES = """Sizes of PNG files of faces at 64x64 and 3 bits per pixel, each beside a plain file of its own function:"""

_UNTIL = """## What follows
* With costs, in 412 grey pieces of 256x256 at 0.1, 0.2 and 0.4 bits per pixel, SPAM and the tools that look for LSB
  replacement find `phase` about as often as they find simulated HILL and S-UNIWARD: SPAM errs .49 to .50 on `phase`,
  .485 to .50 on HILL. Of the fifteen intervals of `phase` three end below .5, by .001 to .004; of HILL and S-UNIWARD
  two each. Without costs SPAM finds it sometimes at a tenth of a bit, mostly at half.
* That is a statement about SPAM and 206 training pairs. The subset of the rich model sees `phase` with costs at
  0.38 bits per sample (P_E .34) and simulated HILL at the same payload (.37); without costs it is hardly ever wrong at
  half a bit. The difference is the code: HILL that carries a tenth more is found as often (.35). Kernels of six blocks
  in place of five would lose .07 to .09 for that tenth's .095 (`research/scripts/coding_loss.py`), at twice the time.
* In colour, at 1 bit per pixel with costs, SPAM errs .48 on `phase`, .44 on simulated HILL and .14 on LSB matching. 51
  training pairs are few.
* In real weather, in steps of 0.05 K, costs make the detector err more and do not hide: these fields are smooth
  almost everywhere. Use the sampler, or far lower rates.
* In spoken digits at 8 kHz the detector is weak on everything, LSB matching included, so these rows say little.
* What the sampler draws into generated covers is not told from plain ones by detectors that find noise 5 % too
  strong in the same covers: in faces with P_E .13 to .19, in sound .13, in weather .42. All 61 P_E of
  `sample` are between .489 and .518, and no interval ends below .5 (six lie above: thresholds are fixed on other
  files). That is what the bound demands, and the bound is the proof: it allows a total variation of 0.22 % at most, and
  no table of this size can show that.
  Estimators of LSB replacement hardly find the control either: they are no evidence. Nor is weather at 46x90 or loud
  sound, where the trained detector finds neither control: noise drowns there, for this detector.
* In generated covers the change that `project` makes is found too (P_E .28 in faces at 3 bits per pixel, .37 in
  weather, .07 in sound), though they have noise of their own.
* StegExpose at its own threshold calls a quarter of these photographs stego, seven in ten generated faces and half of
  the generated sounds, clean ones included. An alarm of such a tool means nothing without its rate on clean covers.
* No row says anything about covers, detectors or rates that are not in it."""


def page(lines: Iterable[Row]) -> str:
    """The whole page: a section for each set of rows, in the order of its `about` line."""
    lines = list(lines)
    parts = [_HEAD]
    for about in (line for line in lines if "about" in line):
        rows = [line for line in lines if line.get("set") == about["about"] and "detector" in line]
        if rows:
            parts.append(
                _section(about, rows, [one for one in lines if one.get("set") == about["about"]])
            )
    if law := _law(lines):
        parts.append(law)
    return "\n\n".join([*parts, _UNTIL]) + "\n"


def _law(lines: list[Row]) -> str:
    """Windows and files of the sampler before those of an independent one; nothing where that was not measured."""
    windows, files = ([row for row in lines if name in row] for name in ("law", "sizes"))
    if not windows or not files:
        return ""
    ways = ("samples", "residues", "pairs", "sums")
    table = [["taps", "bits per sample", "sigma, codes", *ways, "noise 5 % too strong"]]
    table.append(["---"] * len(table[0]))
    for row in windows:
        taps = " ".join(map(str, row["law"]))
        cells = [_chance(row["p"][way]) if way in row["p"] else "" for way in ways]
        cells.append(_chance(min(row["p_wrong"].values())))
        table.append([taps, f"{row['bits_per_sample']:.3g}", f"{row['sigma']:g}", *cells])
    sizes = [["against", "pairs", "plain, bytes", "longer by", "p"], ["---"] * 5]
    for row in files:
        sizes.append(
            [
                row["sizes"],
                f"{row['files']:,}",
                f"{row['plain']:.0f}",
                f"{row['longer']:.2f}",
                _chance(row["p"]),
            ]
        )
    return "\n\n".join(
        [
            _LAW.format(samples=f"{windows[0]['samples']:,}"),
            _joined(table),
            _SIZES,
            _joined(sizes),
        ]
    )


def _chance(p: float) -> str:
    return f"{p:.2g}" if p else "below 1e-300"


def _section(about: Row, rows: list[Row], lines: list[Row]) -> str:
    measured = [row for row in rows if "p_e" in row]
    parts = [f"## {about['title']}", about["text"], f"```text\n{about['command']}\n```"]
    pairs, sources, training, splits = (
        sorted({row.get(n, row["sources"] // 2) for row in measured})
        for n in ("pairs", "sources", "training", "splits")
    )
    counts = f"{_either(pairs)} pairs of {_either(sources)} sources, of which {_either(training)} train; "
    parts.append(f"{counts}{_either(splits)} random splits. P_E with its interval:")
    parts.append(_table(measured, lambda row: _with(row, "p_e")))
    parts += ["AUC with its interval:", _table(measured, lambda row: _with(row, "auc"))]
    stubborn = {
        row["detector"]
        for row in measured
        if row.get("own_false_alarms", row["false_alarms"]) != row["false_alarms"]
    }
    own = [row for row in measured if row["detector"] in stubborn]
    if own:
        parts.append("Alarms at the method's own threshold, among covers / stegos:")
        parts.append(_table(own, _alarms))
    if about.get("figure"):
        parts.append(f"![ROC curves]({about['figure']})")
    failed = [line for line in lines if "error" in line]
    if failed:
        parts.append(f"{len(failed)} could not be measured; the first: {failed[0]['error']}")
    return "\n\n".join(parts)


def _table(rows: list[Row], cell: Any) -> str:
    """A line for each rate and method, a column for each detector."""
    detectors = list(dict.fromkeys(row["detector"] for row in rows))
    cases = list(dict.fromkeys((row["rate"], row["unit"], row["against"]) for row in rows))
    found = {(row["rate"], row["against"], row["detector"]): row for row in rows}
    table: list[list[str]] = [["asked", "bits per sample", "method", *detectors]]
    table.append(["---"] * len(table[0]))
    for rate, unit, against in cases:
        alike = [found.get((rate, against, name)) for name in detectors]
        payload = next(row["payload"] for row in alike if row)
        cells = [cell(row) if row else "" for row in alike]
        table.append([f"{rate:g} {unit}", f"{payload:.3f}", against, *cells])
    return _joined(table)


def _joined(table: list[list[str]]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in table)


def _with(row: Row, name: str) -> str:
    low, high = row[f"{name}_interval"]
    return f"{row[name]:.3f} ({low:.3f} to {high:.3f})"


def _alarms(row: Row) -> str:
    return f"{row['own_false_alarms']:.3f} / {row['own_hits']:.3f}"


def _either(numbers: list[int]) -> str:
    return " or ".join(map(str, numbers))
