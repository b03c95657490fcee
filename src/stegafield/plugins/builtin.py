"""Our own carriers, channels, extractors, optimizers and detectors, registered through the same
door as everybody's."""

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
from ..channels.sound.aiff import AiffChannel
from ..channels.sound.flac import FlacChannel
from ..channels.sound.wav import WavChannel
from ..core.carrier import Carrier
from ..core.channel import Channel
from ..core.detector import Detector
from ..core.extractor import Extractor
from ..core.optimizer import Optimizer
from ..detectors.jpeg_compatibility import JpegCompatibility
from ..detectors.lsb.chi_square import ChiSquare
from ..detectors.lsb.primary_sets import PrimarySets
from ..detectors.lsb.rs import Rs
from ..detectors.lsb.sample_pairs import SamplePairs
from ..detectors.lsb.stegexpose import StegExpose
from ..detectors.lsb.weighted_stego import WeightedStego
from ..detectors.residual.line import Line
from ..detectors.residual.rich import Rich
from ..detectors.residual.spam import Spam
from ..detectors.residual.sphere import Sphere
from ..detectors.xunet import XuNet
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
    return [*pictures, WavChannel, FlacChannel, AiffChannel, NetcdfChannel]


@hookimpl
def register_extractors() -> list[type[Extractor]]:
    """The phase extractor, its overlapping form, and the paper's network."""
    return [Phase, PhaseConv, Cnn]


@hookimpl
def register_optimizers() -> list[type[Optimizer]]:
    """L-BFGS in a box, and the two it is compared with."""
    return [Lbfgs, Adam, Paper]


@hookimpl
def register_detectors() -> list[type[Detector]]:
    """JPEG compatibility, estimators of LSB replacement, features with an ensemble, a network."""
    estimators = [Rs, SamplePairs, WeightedStego, ChiSquare, PrimarySets, StegExpose]
    return [JpegCompatibility, *estimators, Spam, Rich, Line, Sphere, XuNet]
