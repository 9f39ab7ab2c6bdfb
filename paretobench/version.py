"""The version of this package, for its metadata, its messages and what it writes."""

__version__ = "0.1.0"
