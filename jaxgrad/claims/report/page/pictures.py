"""Pictures on a page, and what stands in their place where they cannot be drawn."""

from __future__ import annotations

from collections.abc import Callable

from jaxgrad.claims.named import named
from jaxgrad.claims.pictures.picture import Picture, drawing, svg
from jaxgrad.claims.report.page.elements import Element, element
from jaxgrad.errors import ArgumentError, MissingExtra

__all__ = ["drawn", "figure"]


def drawn(function: str, name: str) -> Element:
    """What a function draws, by its name.

    Args:
        function: ``module:function``, without arguments, which returns a
            :class:`~jaxgrad.claims.pictures.picture.Picture`.
        name: of which every id begins.

    Example:
        >>> drawn("no_module:picture", "one").text
        "There is no picture: the picture 'no_module:picture' cannot be imported: ..."
    """
    try:
        return figure(named("the picture", function, "which draws a picture"), name)
    except ArgumentError as error:
        return _instead(str(error))


def figure(draw: Callable[[], Picture], name: str) -> Element:
    """What a function draws, with its description below; a sentence where it cannot.

    Args:
        draw: the function.
        name: of which every id begins.
    """
    try:
        with drawing():  # before anything is computed that could not be drawn
            picture = draw()
        if not isinstance(picture, Picture):
            raise TypeError(f"it returned {picture!r:.60}, not a Picture")
        made = svg(picture, name)
    except MissingExtra as error:
        return _instead(str(error))
    except (
        Exception,
        SystemExit,
    ) as error:  # of the user's, or numbers nobody thought of
        return _instead(f"{type(error).__name__}: {error}")
    # The description within the picture is read out already.
    return element("figure", made, element("figcaption", picture.description, aria_hidden="true"))


def _instead(why: str) -> Element:
    return element("p", f"There is no picture: {why}", class_="quiet")
