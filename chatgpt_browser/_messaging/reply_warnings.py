"""Logs a warning if the site has cut off or stopped a reply, or has used another model than the caller requested."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._core.log import logger
from .._core.options import SITE_CHOICE_MODELS
from .._protocol.message import CUT, STOPPED

if TYPE_CHECKING:
    from .._protocol.reply_reader import ReplyReader


def warn_about_reply(reply: ReplyReader, requested_model: str | None) -> None:
    """Log a warning if the text of the reply is incomplete. Log another warning if the site has not used the requested model."""
    if reply.finish_type in (CUT, STOPPED):
        logger.warning("the reply is incomplete: the site ended it with %r", reply.finish_type)
    answered = reply.answer.model
    if requested_model not in (*SITE_CHOICE_MODELS, None) and answered not in (None, requested_model):
        logger.warning("the site has answered with the model %r instead of %r", answered, requested_model)
