"""What stegafield is measured with; nothing of stegafield imports this."""

__version__ = "0.1.0"
