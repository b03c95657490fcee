"""Our own carriers, channels, extractors and optimizers, registered through the same door as everybody's."""

from ..carriers.audio import AudioCarrier
from ..carriers.celeba import CelebaCarrier
from ..carriers.dataset import DatasetCarrier
from ..carriers.era5 import Era5Carrier
from ..carriers.image import ImageCarrier
from ..channels.netcdf import NetcdfChannel
from ..channels.picture.bmp import BmpChannel
from ..channels.picture.png import PngChannel
from ..channels.picture.tiff import TiffChannel
from ..channels.picture.webp import WebpChannel
from ..channels.sound.flac import FlacChannel
from ..channels.sound.wav import WavChannel
from ..core.carrier import Carrier
from ..core.channel import Channel
from ..core.extractor import Extractor
from ..core.optimizer import Optimizer
from ..extractors.cnn import Cnn
from ..extractors.phase import Phase
from ..extractors.phase_conv import PhaseConv
from ..optimizers.adam import Adam
from ..optimizers.lbfgs import Lbfgs
from ..optimizers.paper import Paper
from .hookspecs import hookimpl


@hookimpl
def register_carriers() -> list[type[Carrier]]:
    """Pictures, sound, weather files, generated weather and faces."""
    return [ImageCarrier, AudioCarrier, DatasetCarrier, Era5Carrier, CelebaCarrier]


@hookimpl
def register_channels() -> list[type[Channel]]:
    """Pictures, sound, NetCDF."""
    pictures = [PngChannel, WebpChannel, TiffChannel, BmpChannel]
    return [*pictures, WavChannel, FlacChannel, NetcdfChannel]


@hookimpl
def register_extractors() -> list[type[Extractor]]:
    """The phase extractor, its overlapping form, and the paper's network."""
    return [Phase, PhaseConv, Cnn]


@hookimpl
def register_optimizers() -> list[type[Optimizer]]:
    """L-BFGS in a box, and the two it is compared with."""
    return [Lbfgs, Adam, Paper]
