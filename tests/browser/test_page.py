"""The page's talk: people, channels, messages, pictures, the composer."""

from __future__ import annotations

import io

from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.kitchen import Kitchen, picture
from tests.browser.visitor import Visitor


def _in_photos(visit: Visit, kitchen: Kitchen, name: str = "Ann Lee") -> Visitor:
    visitor = visit(kitchen.slack)
    visitor.act_as(name)
    visitor.open_channel("photos")
    return visitor


def test_a_person_sees_the_channels_they_are_in_and_no_others(
    visit: Visit, kitchen: Kitchen
) -> None:
    kitchen.slack.people.say(kitchen.ann, kitchen.secret, "between us")
    kitchen.slack.people.say(kitchen.ann, kitchen.photos, f"see <#{kitchen.secret.id}|secret>")
    visitor = _in_photos(visit, kitchen, "Ben Ode")
    expect(visitor.messages()).to_contain_text(["private channel"])
    expect(visitor.page.locator("body")).not_to_contain_text("secret")
    visitor.act_as("Ann Lee")
    expect(visitor.messages()).to_contain_text(["see #secret"])
    visitor.open_channel("secret")
    expect(visitor.messages()).to_contain_text(["between us"])


def test_what_was_typed_is_shown_as_typed_with_mark_up_and_names(
    visit: Visit, kitchen: Kitchen
) -> None:
    visitor = _in_photos(visit, kitchen)
    visitor.type("*bold* _slanted_ ~gone~ `a < b` <b>no tag</b> & @ben.ode in #photos 🎉")
    text = visitor.messages().last.locator(".text")
    expect(text).to_have_text("bold slanted gone a < b <b>no tag</b> & @Ben Ode in #photos 🎉")
    for tag, words in {"strong": "bold", "em": "slanted", "del": "gone", "code": "a < b"}.items():
        expect(text.locator(tag)).to_have_text(words)


def test_mark_up_of_bots_is_drawn_and_nothing_breaks_out_of_it(
    visit: Visit, kitchen: Kitchen
) -> None:
    visitor = _in_photos(visit, kitchen)
    kitchen.client.chat_postMessage(
        channel=kitchen.photos.id,
        text=(
            "<https://example.com/a?b=1&amp;c=2|*a link*> <javascript:alert(1)|bad> "
            "&lt;img src=x onerror=alert(1)&gt; 2 * 3 * 4 snake_case_name :tada: :nosuch:\n"
            "&gt; quoted\n```\npre * text *\n```\n"
            "<!date^0^{date_num} {time_secs}|then> <!date^bad^{date}|fallback>"
        ),
    )
    body = visitor.last_answer().locator(".content")
    expect(body.get_by_role("link", name="*a link*")).to_have_attribute(
        "href", "https://example.com/a?b=1&c=2"
    )
    expect(body.get_by_role("link")).to_have_count(1)
    expect(body).to_contain_text(
        "<img src=x onerror=alert(1)> 2 * 3 * 4 snake_case_name 🎉 :nosuch:"
    )
    expect(body.locator("blockquote")).to_have_text("quoted")
    expect(body.locator("pre")).to_have_text("pre * text *")
    # Ann lives in Berlin.
    expect(body).to_contain_text("1970-01-01 1:00:00 AM fallback")
    expect(body.locator("img, strong, em")).to_have_count(0)


def test_pictures_are_posted_by_drag_and_drop_and_open_in_full_size(
    visit: Visit, kitchen: Kitchen
) -> None:
    visitor = _in_photos(visit, kitchen)
    visitor.drop_pictures(
        {"sea.jpg": picture("sea", width_px=1600, height_px=900), "b.png": picture("b", kind="PNG")}
    )
    expect(visitor.page.get_by_role("list", name="Pictures to send").locator("img")).to_have_count(
        2
    )
    visitor.composer().fill("from today")
    visitor.composer().press("Enter")
    message = visitor.messages().last
    expect(message).to_contain_text("from today")
    expect(message.locator(".photos img")).to_have_count(2)
    visitor.pictures_are_shown(message)
    message.get_by_role("button", name="Open picture: sea.jpg, posted by Ann Lee").click()
    shown = visitor.lightbox().locator("img")
    expect(shown).to_have_js_property("naturalWidth", 1600)
    visitor.page.keyboard.press("ArrowRight")
    expect(visitor.lightbox()).to_contain_text("2 of 2")
    expect(shown).to_have_attribute("alt", "b.png, posted by Ann Lee")
    visitor.page.keyboard.press("Escape")
    expect(visitor.lightbox()).to_have_count(0)
    visitor.fits_the_width()


def test_pictures_are_posted_by_the_button_and_by_pasting(visit: Visit, kitchen: Kitchen) -> None:
    visitor = _in_photos(visit, kitchen)
    with visitor.page.expect_file_chooser() as chooser:
        visitor.page.locator("label[for=attach]").click()
    chooser.value.set_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": picture("a")})
    visitor.composer().evaluate(
        """async (node) => {
          const bytes = await (await fetch("/page/bot.svg")).blob();
          const data = new DataTransfer();
          data.items.add(new File([bytes], "pasted.svg", {type: "image/svg+xml"}));
          node.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true}));
        }"""
    )
    visitor.click_button("Send")
    expect(visitor.messages().last.locator(".photos img")).to_have_count(1)
    expect(visitor.messages().last.locator(".file-card")).to_contain_text("pasted.svg")


def test_files_that_browsers_cannot_show_are_offered_as_downloads(
    visit: Visit, kitchen: Kitchen
) -> None:
    data = io.BytesIO()
    Image.new("RGB", (9, 9)).save(data, "TIFF")
    kitchen.slack.people.post_photo(kitchen.ben, kitchen.photos, "scan.tiff", data.getvalue())
    kitchen.slack.people.post_photo(kitchen.ben, kitchen.photos, "all.zip", b"PK-zip")
    visitor = _in_photos(visit, kitchen)
    expect(visitor.messages().first.locator(".photos")).to_have_count(0)
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("link", name="Download all.zip").click()
    assert download.value.suggested_filename == "all.zip"
    assert download.value.path().read_bytes() == b"PK-zip"


def test_an_answer_for_one_person_is_marked_and_nobody_else_gets_it(
    visit: Visit, kitchen: Kitchen
) -> None:
    kitchen.post("sunset.jpg")
    visitor = _in_photos(visit, kitchen)
    answer = visitor.ask("/findme")
    expect(answer).to_contain_text("Only visible to you")
    expect(answer).to_contain_text("1 photos of you in #photos: 1 sure")
    visitor.pictures_are_shown(answer)
    visitor.act_as("Ben Ode")
    expect(visitor.messages()).to_have_count(1)


def test_a_command_that_fails_says_so_as_slack_does(visit: Visit, kitchen: Kitchen) -> None:
    visitor = _in_photos(visit, kitchen)
    answer = visitor.ask("/findme-admin status")
    expect(answer).to_contain_text('/findme-admin failed with the error "operation_timeout"')


def test_a_command_that_does_not_exist_stays_in_the_composer(
    visit: Visit, kitchen: Kitchen
) -> None:
    visitor = _in_photos(visit, kitchen)
    visitor.composer().fill("/findyou now")
    visitor.composer().press("Enter")
    problem = visitor.page.locator("#composer [role=alert]")
    expect(problem).to_contain_text("/findyou is not a valid command")
    expect(visitor.composer()).to_have_value("/findyou now")
    assert kitchen.heard == []


def test_commands_and_names_complete_themselves(visit: Visit, kitchen: Kitchen) -> None:
    visitor = _in_photos(visit, kitchen)
    composer = visitor.composer()
    composer.press_sequentially("/fin")
    suggestions = visitor.page.get_by_role("listbox", name="Suggestions")
    expect(suggestions.get_by_role("option").first).to_contain_text(
        "/findme [@colleague | help]Shows the photos you are in"
    )
    composer.press("Tab")
    composer.press_sequentially("@be")
    composer.press("Enter")
    expect(composer).to_have_value("/findme @ben.ode ")
    composer.press("Enter")
    assert kitchen.wait_for_command()["text"] == f"<@{kitchen.ben.id}|ben.ode>"


def test_news_in_other_places_are_counted_until_one_looks(visit: Visit, kitchen: Kitchen) -> None:
    visitor = visit(kitchen.slack)
    visitor.act_as("Ann Lee")
    visitor.open_channel("secret")
    kitchen.slack.people.say(kitchen.ben, kitchen.photos, "one")
    visitor.type("/findme dm")
    places = visitor.page.locator("#places")
    expect(places.locator(".place.is-unread")).to_have_count(2)
    expect(places.get_by_label("1 new")).to_have_count(2)
    visitor.open_channel("photos")
    visitor.open_bot()
    expect(visitor.last_answer()).to_contain_text("A word in private")
    expect(places.locator(".place.is-unread")).to_have_count(0)


def test_what_a_person_types_stays_while_news_arrive_and_other_places_are_visited(
    visit: Visit, kitchen: Kitchen
) -> None:
    visitor = _in_photos(visit, kitchen)
    visitor.composer().press_sequentially("half a sen")
    kitchen.slack.people.say(kitchen.ben, kitchen.photos, "meanwhile")
    expect(visitor.messages().last).to_contain_text("meanwhile")
    visitor.composer().press_sequentially("tence")
    visitor.open_channel("secret")
    expect(visitor.composer()).to_have_value("")
    visitor.open_channel("photos")
    expect(visitor.composer()).to_have_value("half a sentence")


def test_a_reader_of_old_messages_is_not_torn_away_by_new_ones(
    visit: Visit, kitchen: Kitchen
) -> None:
    for number in range(60):
        kitchen.slack.people.say(kitchen.ben, kitchen.photos, f"line {number}")
    visitor = _in_photos(visit, kitchen)
    expect(visitor.messages().last).to_be_in_viewport()
    visitor.messages().first.scroll_into_view_if_needed()
    newer = visitor.page.get_by_role("button", name="New messages")
    expect(visitor.messages().last).not_to_be_in_viewport()
    kitchen.slack.people.say(kitchen.ben, kitchen.photos, "the newest")
    expect(newer).to_be_visible()
    expect(visitor.messages().first).to_be_in_viewport()
    newer.click()
    expect(visitor.messages().last).to_be_in_viewport()
    expect(newer).to_be_hidden()


def test_a_long_answer_is_shown_from_its_beginning(visit: Visit, kitchen: Kitchen) -> None:
    for number in range(8):
        kitchen.post(f"photo {number}.jpg")
    visitor = _in_photos(visit, kitchen)
    answer = visitor.ask("/findme")
    expect(answer.get_by_text("8 photos of you")).to_be_in_viewport()


def test_a_message_that_changes_keeps_its_place_and_the_focus(
    visit: Visit, kitchen: Kitchen
) -> None:
    kitchen.post("sunset.jpg")
    visitor = _in_photos(visit, kitchen)
    answer = visitor.ask("/findme everything")
    kitchen.slack.people.say(kitchen.ben, kitchen.photos, "after it")
    expect(visitor.messages()).to_have_count(3)
    answer.get_by_role("button", name="Forget all").focus()
    kitchen.slack.people.add_person("Cy New")  # names are drawn anew
    visitor.page.wait_for_timeout(300)
    expect(answer.get_by_role("button", name="Forget all")).to_be_focused()
    expect(visitor.messages().nth(1)).to_contain_text("A header")


def test_a_link_to_a_message_leads_to_it_on_the_page(visit: Visit, kitchen: Kitchen) -> None:
    for number in range(40):
        kitchen.slack.people.say(kitchen.ben, kitchen.photos, f"line {number}")
    first = kitchen.slack.people.messages(kitchen.photos)[0]
    link = kitchen.slack.people.permalink(first)
    visitor = visit(kitchen.slack)
    visitor.act_as("Ann Lee")
    visitor.open_channel("secret")
    kitchen.client.chat_postMessage(channel=kitchen.ann.id, text=f"<{link}|there>")
    visitor.open_bot()
    visitor.last_answer().get_by_role("link", name="there").click()
    expect(visitor.page.get_by_role("heading", name="#photos", level=1)).to_be_visible()
    expect(visitor.messages().first).to_be_in_viewport()
    visitor.page.goto(link)
    expect(visitor.messages().first).to_be_in_viewport()


def test_the_page_comes_back_when_the_workspace_does(visit: Visit, kitchen: Kitchen) -> None:
    visitor = _in_photos(visit, kitchen)
    visitor.composer().fill("not lost")
    # Or Slack's client would connect anew just as there is nobody left, and leak that socket.
    kitchen.socket.close()
    kitchen.slack.stop()
    expect(visitor.page.locator("body.is-offline")).to_have_count(1)
    kitchen.slack.start()
    kitchen.slack.people.say(kitchen.ben, kitchen.photos, "back again")
    expect(visitor.messages().last).to_contain_text("back again")
    expect(visitor.page.locator("body.is-offline")).to_have_count(0)
    expect(visitor.composer()).to_have_value("not lost")
    visitor.expect_problem("ERR_CONNECTION_REFUSED")
