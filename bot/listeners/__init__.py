"""One module for each Slack surface: ack, one use case, render."""

from dataclasses import dataclass

from bot.listeners.admin import AdminListeners
from bot.listeners.consent import ConsentListeners
from bot.listeners.events import EventListeners
from bot.listeners.find import FindListeners
from bot.listeners.gallery import GalleryListeners
from bot.listeners.home import HomeListeners
from bot.listeners.selfie import SelfieListeners


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """All of them."""

    find: FindListeners
    selfie: SelfieListeners
    gallery: GalleryListeners
    home: HomeListeners
    consent: ConsentListeners
    admin: AdminListeners
    events: EventListeners
