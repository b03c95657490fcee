"""Make many stego pictures of one key and one message, and save what the key holder sees of each.

A process of its own, because the run-time type checks of the tests would make 4,096 files slow.
"""

import sys

import numpy as np

from stegafield import Engine, Key
from stegafield.coding import block
from stegafield.coding.ladder import LADDER, bootstrap_rung
from stegafield.extractors.phase import Phase
from stegafield.regions import bootstrap


def main(count, out):
    engine, key = Engine(device="cpu"), Key(bytes(range(32)))
    covers = np.random.default_rng(0).integers(0, 256, (16, 16, 16, 3), dtype=np.uint8)
    rung = next(rung for rung in LADDER if (rung.bits, rung.elements) == (5, 15))
    salts, bits, seeds, headers, places = [], [], [], [], []
    for number in range(count):
        stego = engine.hide(
            b"again", carrier="image", cover=covers[number % 16], key=key, bps=rung.rate
        )
        cover = next(iter(stego.channel.read(stego.data)))
        found = bootstrap.opened(cover, key)
        salts.append(found.salt)
        seeds.append(found.key.derive("extractor/" + found.header.tag.hex()))
        reader = Phase(None, seed=seeds[-1], rung=rung)
        bits.append(reader.read(cover.codes, found.at.payload, cover.spec))
        places.append(found.at.header.ravel())
        codes = cover.codes.ravel()[places[-1]].reshape(8, -1)
        headers.append(block.read_symbols(codes, bootstrap_rung(cover.codes.size)))
    columns = {"salts": [list(s) for s in salts], "seeds": [list(s) for s in seeds]}
    np.savez(out, bits=bits, headers=headers, places=places, **columns)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
