"""The errors of the stand-in."""


class NotFound(Exception):
    """No container of that id."""


class ImageNotFound(NotFound):
    """No image of that name."""
