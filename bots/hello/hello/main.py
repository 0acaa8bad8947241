"""Puts the parts together and runs until SIGTERM."""

import logging
import os
import sys

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiohttp import web

from hello.database import DatabaseMissing, connect
from hello.handlers import create_router
from hello.server import create_server
from hello.settings import SettingsError, read_settings

log = logging.getLogger(__name__)


def main() -> int:
    """Runs the bot; gives the exit status.

    The garden registers the webhook, so the bot doesn't. At SIGTERM it takes no more requests, answers those that it
    has within 20 seconds, closes its connections and ends with 0.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stdout)
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        log.error("%s", error)
        return 1
    bot = Bot(settings.token, session=AiohttpSession(api=TelegramAPIServer.from_base(settings.api_root)))
    engine = connect(settings.database_url)
    dispatcher = Dispatcher(engine=engine)
    dispatcher.include_router(create_router())
    server = create_server(settings, bot, dispatcher, engine)
    log.info("Listening on port %d when the database is ready", settings.port)
    try:
        web.run_app(server, port=settings.port, shutdown_timeout=20, access_log=None, print=None)
    except DatabaseMissing as error:
        log.error("%s", error)
        return 1
    log.info("Stopped")
    return 0
