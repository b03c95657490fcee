"""Our own carriers, channels and extractors, registered through the same door as everybody's."""

from ..carriers.audio import AudioCarrier
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
from ..extractors.phase import Phase
from .hookspecs import hookimpl


@hookimpl
def register_carriers() -> list[type[Carrier]]:
    """Pictures, sound, weather files, generated weather."""
    return [ImageCarrier, AudioCarrier, DatasetCarrier, Era5Carrier]


@hookimpl
def register_channels() -> list[type[Channel]]:
    """Pictures, sound, NetCDF."""
    pictures = [PngChannel, WebpChannel, TiffChannel, BmpChannel]
    return [*pictures, WavChannel, FlacChannel, NetcdfChannel]


@hookimpl
def register_extractors() -> list[type[Extractor]]:
    """The phase extractor."""
    return [Phase]
