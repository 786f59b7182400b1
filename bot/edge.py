"""What the bot's listeners and ticks are made of, over one runtime and one workspace."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from bot.administration import Administration
from bot.alerting import Alerting, client_that_tries_once
from bot.answers import Answers
from bot.asking import Asking
from bot.consenting import Consenting
from bot.files.downloads import Downloads
from bot.files.parcels import Parcels
from bot.files.thumbnails import Thumbnails
from bot.files.uploads import Uploads
from bot.greeting import Greeting
from bot.listeners import Listeners
from bot.listeners.admin import AdminListeners
from bot.listeners.consent import ConsentListeners
from bot.listeners.events import EventListeners
from bot.listeners.find import FindListeners
from bot.listeners.gallery import GalleryListeners
from bot.listeners.home import HomeListeners
from bot.listeners.selfie import SelfieListeners
from bot.names import Names, TimeZonesOfPeople
from bot.replies import Replies
from bot.selfies import Selfies
from bot.settings import SlackSettings
from bot.standing import Service, Work, WorkElsewhere
from bot.turns import Turns
from bot.views import Views
from bot.workspace import SlackWorkspace
from pipeline.usecases.alert_people import AlertPeople
from pipeline.usecases.check_people import CheckPeople
from pipeline.usecases.consent import AskConsent, GiveConsent, SendGranted
from pipeline.usecases.find_photos import FindPhotos
from pipeline.usecases.known_people import KnownPeople
from pipeline.usecases.opt_out import OptOut
from pipeline.usecases.watch_channels import WatchChannels
from pipeline.wiring import Runtime, now


@dataclass(kw_only=True)
class Edge:
    """Each part is made when it is first asked for."""

    runtime: Runtime
    workspace: SlackWorkspace
    downloads: Downloads
    settings: SlackSettings

    @cached_property
    def known_people(self) -> KnownPeople:
        """A person -> what is known of their face."""
        return self.runtime.known_people(self.workspace)

    @cached_property
    def find_photos(self) -> FindPhotos:
        """A query -> photos."""
        return FindPhotos(
            people=self.known_people,
            visibility=self.workspace,
            channels=self.runtime.workspaces,
            photos=self.runtime.photos,
            engines=self.runtime.engines,
            match_faces=self.runtime.match_faces,
            permit=self.runtime.permit(self.settings.colleague_search),
            protected=self.runtime.opt_outs,
        )

    @cached_property
    def names(self) -> Names:
        """What people and channels are called."""
        return Names(self.workspace, self.runtime.workspaces)

    @cached_property
    def replies(self) -> Replies:
        """Where answers go."""
        return Replies(self.workspace.client)

    @cached_property
    def views(self) -> Views:
        """Modals and Home tabs."""
        return Views(self.workspace.client)

    @cached_property
    def selfies(self) -> Selfies:
        """Selfies that wait to be used."""
        return Selfies(self.runtime.add_selfie, held=self.runtime.held_selfies)

    @cached_property
    def uploads(self) -> Uploads:
        """The way into Slack's files."""
        return Uploads(self.workspace.client)

    @cached_property
    def thumbnails(self) -> Thumbnails:
        """Pictures of photos that Slack can't show."""
        return Thumbnails(
            self.runtime.thumbnails,
            photos=self.runtime.photos,
            download=self.workspace.download,
            uploads=self.uploads,
        )

    @cached_property
    def parcels(self) -> Parcels:
        """Zips for people."""
        # The system's own folder for temporary files is memory on some machines.
        folder = self.runtime.settings.findme_data_dir
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Parcels(
            self.workspace.client,
            team_id=self.workspace.team_id,
            photos=self.runtime.photos,
            download=self.workspace.download,
            uploads=self.uploads,
            folder=folder,
        )

    @cached_property
    def answers(self) -> Answers:
        """A question -> a page."""
        return Answers(
            find_photos=self.find_photos,
            names=self.names,
            thumbnails=self.thumbnails,
            selfies=self.selfies,
            permit=self.runtime.permit(self.settings.colleague_search),
            photos=self.runtime.photos,
            clock=now,
        )

    @cached_property
    def alerting(self) -> Alerting:
        """Messages about new photos."""
        token = self.settings.slack_bot_token.get_secret_value()
        return Alerting(
            client_that_tries_once(
                token, self.settings.slack_api_url, waits=self.workspace.client.waits
            ),
            answers=self.answers,
        )

    @cached_property
    def alert_people(self) -> AlertPeople:
        """New photos -> messages about them."""
        return AlertPeople(
            find_photos=self.find_photos,
            alerts=self.runtime.alerts,
            people=TimeZonesOfPeople(self.workspace),
            compose=self.alerting,
            clock=now,
            gather=timedelta(minutes=self.settings.findme_alert_after_min),
        )

    @cached_property
    def watch_channels(self) -> WatchChannels:
        """What Slack says of the bot's channels -> what is watched."""
        return WatchChannels(
            directory=self.workspace,
            channels=self.runtime.workspaces,
            queue=self.runtime.queue,
        )

    @cached_property
    def check_people(self) -> CheckPeople:
        """Who is gone from Slack -> forgotten."""
        return CheckPeople(
            accounts=self.workspace,
            people=self.runtime.people,
            forget=self.runtime.forget_person,
            clock=now,
        )

    @cached_property
    def greeting(self) -> Greeting:
        """Hello."""
        return Greeting(self.workspace.client)

    @cached_property
    def service(self) -> Service:
        """What works while Slack lets the bot in."""
        runtime, team_id = self.runtime, self.workspace.team_id

        def prepare() -> None:
            runtime.claim_engine(team_id)
            # What was deleted while the bot was off sends no event any more.
            runtime.workspaces.compare_anew(team_id)
            runtime.queue.hurry(team_id)

        return Service(
            must_be_let_in=self.workspace.must_be_let_in,
            make_work=self._make_work,
            forget=lambda: runtime.forget_workspace(team_id),
            prepare=prepare,
        )

    def _make_work(self) -> Work:
        if self.runtime.settings.findme_workers == 0:
            return WorkElsewhere()
        return self.runtime.worker([self.workspace.team_id])

    @cached_property
    def administration(self) -> Administration:
        """What admins may do."""
        return Administration(
            workspace=self.workspace,
            admins=self.settings.findme_admins,
            reindex=self.runtime.reindex,
            forget_person=self.runtime.forget_person,
            runs=self.runtime.runs,
            channels=self.runtime.workspaces,
            photos=self.runtime.photos,
            counts=self.runtime.counts,
            queue=self.runtime.queue,
            audit=self.runtime.audit,
        )

    @cached_property
    def asking(self) -> Asking:
        """A question -> its answer in Slack."""
        return Asking(self.answers, consents=self.runtime.consents)

    @cached_property
    def consenting(self) -> Consenting:
        """Messages about consent."""
        return Consenting(self.workspace.client, asking=self.asking, replies=self.replies)

    @cached_property
    def send_granted(self) -> SendGranted:
        """Questions to which everybody agreed -> their answers."""
        return SendGranted(consents=self.runtime.consents, send=self.consenting.send, clock=now)

    @cached_property
    def listeners(self) -> Listeners:
        """Every surface."""
        asking = self.asking
        home = HomeListeners(
            views=self.views,
            answers=self.answers,
            administration=self.administration,
            engines=self.runtime.engines,
            people=self.runtime.people,
            references=self.runtime.people,
            verdicts=self.runtime.verdicts,
            alerts=self.runtime.alerts,
            replies=self.replies,
            consents=self.runtime.consents,
            policy=self.settings.colleague_search,
        )
        selfie = SelfieListeners(
            views=self.views,
            selfies=self.selfies,
            downloads=self.downloads,
            asking=asking,
            replies=self.replies,
            home=home,
        )
        consent = ConsentListeners(
            client=self.workspace.client,
            ask_consent=AskConsent(
                consents=self.runtime.consents, tell=self.consenting.tell, clock=now
            ),
            give_consent=GiveConsent(consents=self.runtime.consents, clock=now),
            send_granted=self.send_granted,
            opt_out=OptOut(
                people=self.known_people,
                opt_outs=self.runtime.opt_outs,
                engines=self.runtime.engines,
            ),
            forget_person=self.runtime.forget_person,
            data=self.runtime.peoples_data,
            visibility=self.workspace,
            uploads=self.uploads,
            replies=self.replies,
            home=home,
        )
        return Listeners(
            find=FindListeners(
                asking=asking,
                replies=self.replies,
                names=self.names,
                give_verdict=self.runtime.give_verdict,
                selfies=selfie,
                consent=consent,
                turns=Turns(),
                clock=now,
                bot_user_id=self.workspace.bot_user_id,
            ),
            selfie=selfie,
            gallery=GalleryListeners(
                client=self.workspace.client,
                views=self.views,
                answers=self.answers,
                replies=self.replies,
                parcels=self.parcels,
                home=home,
            ),
            home=home,
            consent=consent,
            admin=AdminListeners(
                administration=self.administration,
                views=self.views,
                replies=self.replies,
                home=home,
            ),
            events=EventListeners(
                workspace=self.workspace,
                add_photo=self.runtime.add_photo,
                unshare_photo=self.runtime.unshare_photo,
                watch_channels=self.watch_channels,
                forget_person=self.runtime.forget_person,
                photos=self.runtime.photos,
                thumbnails=self.thumbnails,
                greeting=self.greeting,
                service=self.service,
            ),
        )

    def close(self) -> None:
        """End what was begun, in good order."""
        self.parcels.stop()
        self.thumbnails.stop()
        self.uploads.close()
        self.names.close()
