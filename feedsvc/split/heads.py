"""Says of each head what it is: the issue's own title, a line of a table of contents, housekeeping, a section, a title."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence

from feedsvc.split.contents import drop_contents
from feedsvc.split.features import WHOLE, Line, opening_words, title_parts
from feedsvc.split.foot import drop_foot_menu, drop_own_affairs
from feedsvc.split.frame import (
    drop_greeting,
    drop_labels,
    drop_polls,
    drop_standfirsts,
    join_broken,
    name_buttons,
    name_labelled,
    name_leads,
    name_repeated_titles,
    name_titles_like_buttons,
)
from feedsvc.split.issuename import begins_name, is_date, is_masthead, names_issue, names_kind_and_number
from feedsvc.split.linkbook import LinkBook
from feedsvc.split.neighbours import drop, is_linked_head, plain, under
from feedsvc.split.ownlink import closing_link
from feedsvc.split.phrases import says
from feedsvc.split.weights import Heads
from feedsvc.split.words import fold

# What stands beside the name in a masthead: weekdays, months, "issue", "no.".
DASHED = re.compile(r"^\s*(?:[–—]|-{1,2}\s)")
OPENER = "a line that opens with its own title"
SIGNED = "a line with the same sign as others"
MASTHEAD = "the newsletter's name"
OVER_HOUSEKEEPING = "a heading over housekeeping"


def name_heads(lines: list[Line], subject: str, names: Sequence[str], book: LinkBook) -> Line | None:
    """Set role and reason of every head; gives the issue's own title where it stands in the mail."""
    join_broken(lines)
    drop_standfirsts(lines)
    drop_foot_menu(lines)
    name_buttons(lines)
    name_titles_like_buttons(lines)
    name_repeated_titles(lines)
    name_leads(lines)
    name_labelled(lines)
    drop_labels(lines)
    title = _issue_title(lines, subject, names)
    drop_contents(lines)
    drop_polls(lines)
    _drop_housekeeping(lines)
    drop_own_affairs(lines, names)
    drop_greeting(lines)
    _announcements(lines)
    _openers(lines)
    _bold_items(lines)
    _signed(lines)
    _sections(lines, book)
    _titles(lines)
    return title


def _issue_title(lines: list[Line], subject: str, names: Sequence[str]) -> Line | None:
    """The head that is the issue's own title or masthead, if one stands near the top; it is taken out of the outline."""
    wanted = fold(subject)
    mastheads = {fold(name) for name in names} - {""}
    found: Line | None = None
    heads = [line for line in lines if line.is_head]
    peers: dict[tuple[object, ...], int] = defaultdict(int)
    for line in heads:
        peers[line.signature] += 1
    for line in heads[: Heads.NEAR_TOP]:
        text = line.folded
        same = text == wanted or _is_most_of(text, wanted)
        if text and same and not _is_item_too(line, lines, peers[line.signature]):
            # The newsletter's name with a number is no title of a post, even where it is the subject.
            numbered = not line.hrefs and (
                names_kind_and_number(text)
                or names_issue(line.text, names)
                or (any(c.isdigit() for c in text) and is_masthead(text, mastheads))
            )
            if not numbered and (found is None or (line.hrefs and not found.hrefs)):
                found = line
            drop(line, MASTHEAD if numbered else "the issue's own title")
        elif text in mastheads or (
            text
            and line.index < Heads.MASTHEAD_LINES
            and (
                is_masthead(text, mastheads)
                or any(begins_name(line.text, name) for name in names)
                or (is_date(text) and sum(is_date(head.folded) for head in heads) == 1)
            )
        ):
            drop(line, MASTHEAD)
    if found is not None:
        _drop_kicker(found, lines)
        _drop_byline(found, lines)
    return found


def _drop_kicker(title: Line, lines: Sequence[Line]) -> None:
    """A few words set as a head directly above the issue's title say what kind of thing it is ("New post:"): no title of their own."""
    above = lines[title.index - 1] if title.index else None
    if above is not None and above.is_head and not above.hrefs and above.words <= Heads.KICKER_WORDS:
        drop(above, "a kicker above the issue's title")


def _is_most_of(text: str, wanted: str) -> bool:
    """Whether a head says the subject with a little more or less."""
    shorter, longer = sorted((text, wanted), key=len)
    return len(shorter) > Heads.MIN_SUBJECT_CHARS and shorter in longer and len(shorter) >= Heads.MOST_OF * len(longer)


def _is_item_too(head: Line, lines: Sequence[Line], peers: int) -> bool:
    """Whether a head that says what the subject says is one of several items, after which the issue was named."""
    if peers > Heads.MAX_TITLE_PEERS:
        alike = [line for line in lines if line.is_head and line.signature == head.signature]
        closed = [line for line in alike if closing_link(under(line, lines)) is not None]
        return is_linked_head(head) or head in closed or len(closed) < len(alike) - 1
    if _is_under_kicker(head, lines):
        return True
    if not is_linked_head(head):
        buttons = [line for line in lines if line.is_head and not is_linked_head(line) and _has_button(line, lines)]
        return head in buttons and len(buttons) > Heads.MIN_BUTTONED
    others = sum(is_linked_head(line) and line.is_head for line in lines)
    teaser = sum(line.words for line in under(head, lines) if line.is_text and line.block.kind == "paragraph")
    return others > Heads.MIN_OTHER_LINKED and Heads.MIN_STORY_WORDS <= teaser <= Heads.MAX_TEASER_WORDS


def _is_under_kicker(head: Line, lines: Sequence[Line]) -> bool:
    """Whether the heads in this style each have a smaller head in one style directly above, as items have a section."""
    alike = [line for line in lines if line.is_head and line.signature == head.signature]
    above = [lines[line.index - 1] for line in alike if line.index]
    return (
        len(above) == len(alike) >= Heads.MIN_PLAIN_PEERS
        and all(line.is_head and not line.hrefs for line in above)
        and len({line.signature for line in above}) == 1
        and above[0].prominence < head.prominence
    )


def _has_button(head: Line, lines: Sequence[Line]) -> bool:
    """Whether a few words and a button stand under a head."""
    below = under(head, lines)
    return any(line.is_cta for line in below) and sum(line.words for line in below) <= Heads.GREETING_WORDS


def _drop_byline(title: Line, lines: Sequence[Line]) -> None:
    """What stands between the issue's title and its text names the author, the date, the app, or is a subtitle: no items."""
    for line in lines[title.index + 1 : title.index + Heads.BYLINE_LINES]:
        if (
            line.words > Heads.SUBTITLE_WORDS
            or _announces(line)
            or (
                line.is_head
                and not _is_empty(line, lines)
                and (
                    line.folded == title.folded
                    or _has_peers(line, lines)
                    or (bool(line.hrefs) and line.block.kind == "heading")
                )
            )
        ):
            return
        if line.is_head and not line.hrefs and _is_empty(line, lines) and _stands_over_peers(line, lines):
            return  # a section over titles
        if line.is_head and (line.words <= Heads.BYLINE_WORDS or line.block.kind == "heading"):
            drop(line, "a by-line" if line.words <= Heads.BYLINE_WORDS else "the issue's subtitle")
            if line.reason == "the issue's subtitle":
                line.role, line.is_head = "unused", False


def _has_peers(head: Line, lines: Sequence[Line]) -> bool:
    """Whether a head is one of several that are set alike, each a link or over a link of its own: titles, not one author's name."""
    alike = [line for line in lines if line.is_head and line.signature == head.signature]
    if is_linked_head(head):
        return len(alike) >= Heads.MIN_PEERS
    closed = sum(closing_link(under(line, lines)) is not None for line in alike)
    return len(alike) >= Heads.MIN_PLAIN_PEERS and closed > Heads.GREETED_SHARE * len(alike)


def _stands_over_peers(head: Line, lines: Sequence[Line]) -> bool:
    after = next((line for line in lines[head.index + 1 :] if line.text and not line.is_furniture), None)
    return after is not None and after.is_head and _has_peers(after, lines)


def _drop_housekeeping(lines: list[Line]) -> None:
    """A head over housekeeping only ("Share this newsletter", "Want to advertise?") is housekeeping too."""
    for head in lines:
        if not head.is_head or head.hrefs:
            continue
        below = [
            line
            for line in under(head, lines)
            if line.block.kind not in ("rule", "image") and line.reason != "no words"
        ]
        late = head.index > Heads.LATE * len(lines) and below and below[0].is_furniture
        if below and (late or all(line.is_furniture for line in below)):
            drop(head, OVER_HOUSEKEEPING)


def _announcements(lines: list[Line]) -> None:
    """Lines that say that what follows is paid for."""
    for line in lines:
        if not line.is_furniture and _announces(line):
            line.role, line.reason, line.is_head = "sponsor", "announces something paid for", False


def _announces(line: Line) -> bool:
    """Whether a line says that what follows is paid for."""
    most = Heads.ANNOUNCING_WORDS if not line.hrefs else Heads.ANNOUNCING_LINKED_WORDS
    if line.marker and line.words > Heads.ANNOUNCING_LINKED_WORDS:
        return False
    if line.text.lstrip().startswith("*"):
        return False  # a footnote to the items that bear an asterisk
    return line.words <= most and says("sponsor_line", plain(line))


def _is_empty(head: Line, lines: Sequence[Line]) -> bool:
    """Whether neither text nor a button nor a linked picture stands under the head."""
    below = under(head, lines)
    if any(line.is_cta or (line.is_text and not line.is_meta and (line.words >= 3 or line.hrefs)) for line in below):
        return False
    pictures = {
        key for line in below if line.block.kind == "image" and not line.is_furniture for key in line.keys
    } - _next_keys(head, lines)
    return not (pictures and not head.hrefs and head.words >= 4)


def _next_keys(head: Line, lines: Sequence[Line]) -> set[str]:
    """Where the next head leads if it is a link: a picture that leads there too is that head's."""
    after = next((line for line in lines[head.index + 1 :] if line.is_head), None)
    return set(after.keys) if after is not None and is_linked_head(after) else set()


def _sections(lines: list[Line], book: LinkBook) -> None:
    """Heads that only stand over other heads."""
    heads = [line for line in lines if line.is_head]
    empty = {head.index: _is_empty(head, lines) for head in heads}
    for head in heads:
        head.is_empty = empty[head.index]
    peers: dict[tuple[object, ...], list[Line]] = defaultdict(list)
    for head in heads:
        peers[head.signature].append(head)
    bare: dict[tuple[object, ...], int] = defaultdict(int)  # unlinked heads without text, by style
    for head in heads:
        if empty[head.index] and not is_linked_head(head):
            bare[_style(head)] += 1
    for position, head in enumerate(heads):
        after = heads[position + 1] if position + 1 < len(heads) else None
        group = peers[head.signature]
        filled = sum(not empty[h.index] for h in group) / len(group)
        if not empty[head.index]:
            if not is_linked_head(head) and _is_over_links(head, heads[position + 1 :], lines):
                head.role, head.reason = "section", "a head over linked titles"
            elif not head.hrefs and _introduces_opener(head, lines):
                head.role, head.reason = "section", "a head over lines that open with their own title"
            continue
        if is_linked_head(head):
            if head.words <= Heads.MENU_WORDS and _stands_over_opener(head, lines):
                head.role, head.reason = "section", "a short link over lines that open with their own title"
            if after is None or after.signature == head.signature or filled >= 0.5:
                continue
            if _repeats(head, heads[:position]):
                continue  # the button of the item above
            if _is_home(head, book):
                head.role, head.reason = "section", "a link to a home page over other heads"
            elif bare[_style(head)] >= 2 and not _ends_run(head, heads[:position]):
                head.role, head.reason = "section", "a link in the style of the sections"
            continue
        if _stands_over_opener(head, lines):
            head.role, head.reason = "section", "a head over lines that open with their own title"
        elif after is None:
            drop(head, "a head with nothing under it")
        elif (
            filled >= 0.5
            and after.prominence < head.prominence - Heads.SMALLER
            and not is_linked_head(after)
            and (head.words > Heads.MENU_WORDS or after.words <= Heads.KICKER_WORDS)
        ):
            continue  # a story that begins with a subhead
        else:
            head.role, head.reason = "section", "a head with only the next head under it"


def _repeats(head: Line, before: Sequence[Line]) -> bool:
    """Whether a linked head leads where the last linked head above it leads."""
    last = next((line for line in reversed(before) if is_linked_head(line)), None)
    return last is not None and bool(set(last.keys) & set(head.keys))


def _ends_run(head: Line, before: Sequence[Line]) -> bool:
    """Whether the head above is a link in the same style, as the other titles of a run are."""
    return bool(before) and is_linked_head(before[-1]) and before[-1].signature == head.signature


def _stands_over_opener(head: Line, lines: Sequence[Line]) -> bool:
    after = next(
        (line for line in lines[head.index + 1 :] if not line.is_furniture and line.block.kind != "image"), None
    )
    return after is not None and after.role == "title" and not after.is_head


def _introduces_opener(head: Line, lines: Sequence[Line]) -> bool:
    """Whether a few words stand between a head and a line that opens with its own title."""
    below = under(head, lines)
    after = lines[head.index + 1 + len(below)] if head.index + 1 + len(below) < len(lines) else None
    return (
        after is not None
        and after.role == "title"
        and not after.is_head
        and sum(line.words for line in below if line.is_text) <= Heads.GREETING_WORDS
    )


def _style(head: Line) -> tuple[object, ...]:
    return head.block.kind, head.block.level, round(head.size)


def _is_over_links(head: Line, after: Sequence[Line], lines: Sequence[Line]) -> bool:
    """Whether a head with a few words of introduction stands over two or more linked titles."""
    text = [line for line in under(head, lines) if line.is_text and not line.is_meta]
    if (
        any(line.hrefs for line in text)
        or any(line.is_cta for line in under(head, lines))
        or sum(line.words for line in text) > Heads.INTRO_WORDS
    ):
        return False
    links = 0
    for other in after:
        if not is_linked_head(other):
            break
        links += 1
    return links >= 2 and head.prominence >= after[0].prominence - Heads.SMALLER


def _is_home(head: Line, book: LinkBook) -> bool:
    """Whether a head leads to the root of a site, as the name of a source does."""
    url = book.look(head.href).target.url if head.href else None
    return url is not None and "/" not in url.split("://", 1)[-1].rstrip("/")


def _titles(lines: list[Line]) -> None:
    """Say of each remaining head whether it is a title; what is left are subheads and buttons."""
    heads = [line for line in lines if line.is_head and line.role != "section"]
    linked = [h for h in heads if is_linked_head(h)]
    sections = [line.index for line in lines if line.role == "section"]
    marked = sum(h.marker for h in linked)
    told = Counter(h.signature for h in linked if not h.is_empty and h.words >= Heads.MIN_TITLE_WORDS)
    paid = False  # within something paid for, whose text is full of links
    for head in linked:
        weak = not head.marker and head.block.kind != "heading"
        if (
            weak
            and head.bold < WHOLE
            and head.words < Heads.MIN_TITLE_WORDS
            and len(plain(head)) < Heads.MIN_TITLE_CHARS
            and (head.is_empty or told[head.signature] < Heads.MIN_PEERS)
        ):
            head.reason = "a link of one short word"
        elif len(sections) >= 2 and head.index < sections[0] and head.words <= 3 and _is_empty(head, lines):
            drop(head, "a by-line")
        elif weak and marked >= Heads.MIN_MARKED and marked >= 0.5 * len(linked) and (head.is_empty or paid):
            head.reason = "a link without the marker that the titles here carry"
        else:
            paid = head.marker and title_parts(head.text).sponsor
            head.role, head.reason = "title", "a head that is a link"
    for head in heads:
        if is_linked_head(head):
            continue
        head.role, head.reason = "title", "a head with text under it"
    _menus(linked)
    _last_bar(lines)


def _last_bar(lines: Sequence[Line]) -> None:
    """Short links one behind the other, after the last of several titles with a text, lead to the sender's other places."""
    strong = [line for line in lines if line.role == "title" and line.words > Heads.MENU_WORDS]
    if len(strong) < Heads.MIN_STRONG:
        return
    bar: list[Line] = []
    for line in lines[strong[-1].index + 1 :]:
        short = is_linked_head(line) and line.words <= Heads.MENU_WORDS and not line.marker
        if short and line.block.kind != "heading" and line.signature != strong[-1].signature:
            bar.append(line)
        elif bar:
            break
    if len(bar) >= Heads.MIN_BAR:
        for line in bar:
            if not line.is_furniture:
                drop(line, "a tag or a line of a menu")


def _openers(lines: Sequence[Line]) -> None:
    """Lines that open with their own title are items where there are many of them, all with other titles and other links."""
    texts = [line for line in lines if line.is_text and line.words >= Heads.MIN_STORY_WORDS]
    linked = [line for line in texts if line.opens and line.linked_lead]
    bold = [line for line in texts if line.opens and not line.linked_lead]
    for openers, least in ((linked, Heads.MIN_OPENERS), (bold, Heads.MIN_BOLD_OPENERS)):
        leads = {fold(opening_words(line)) for line in openers}
        links = {line.keys[0] for line in openers}
        dashed = sum(bool(DASHED.match(line.text[len(opening_words(line)) :])) for line in openers)
        share = Heads.DASHED_SHARE if dashed >= 0.8 * len(openers) else Heads.OPENERS_SHARE
        if min(len(leads), len(links)) < max(least, 0.8 * len(openers)) or len(openers) < share * len(texts):
            continue
        for line in (*openers, *_short_openers(texts, openers)):
            if line.role == "unused":
                line.role, line.reason = "title", OPENER


def _bold_items(lines: Sequence[Line]) -> None:
    """List items with a bold lead and a link are items of their own where there are many of them, under several heads."""
    found: list[Line] = []
    parts: set[int] = set()
    part = texts = 0
    for line in lines:
        part += line.is_head
        texts += line.is_text and line.words >= Heads.MIN_STORY_WORDS
        if line.block.kind == "item" and line.block.ordinal and line.hrefs and line.is_text and _leads_closed(line):
            found.append(line)
            parts.add(part)
    links = {line.keys[0] for line in found}
    if min(len(links), len(found)) < Heads.MIN_BOLD_ITEMS or len(parts) < Heads.MIN_PEERS:
        return
    if len(found) < Heads.OPENERS_SHARE * texts:
        return
    for line in found:
        line.role, line.reason = "title", "a list item that opens with its own title"


def _signed(lines: Sequence[Line]) -> None:
    """Lines that begin with one and the same picture sign, each with a link of its own, are items where hardly a link stands elsewhere."""
    linked = [line for line in lines if line.hrefs and line.is_text and not line.is_cta]
    groups: dict[str, list[Line]] = defaultdict(list)
    for line in linked:
        if not line.text[:1].isascii() and unicodedata.category(line.text[:1]) == "So":
            groups[line.text[:1]].append(line)
    for group in groups.values():
        if len({line.keys[0] for line in group}) < Heads.MIN_SIGNED or len(group) < Heads.SIGNED_SHARE * len(linked):
            continue
        for line in group:
            if line.role == "unused":
                line.role, line.reason = "title", SIGNED


def _leads_closed(line: Line) -> bool:
    """Whether a line begins with bold words that a sign parts from the text behind them."""
    lead = opening_words(line) if line.bold_lead else ""
    rest = line.text[len(lead) :]
    return bool(lead) and len(rest) > len(lead) and (lead.rstrip()[-1:] in ".:!?" or rest.lstrip()[:1] in "–—:|-")


def _short_openers(texts: Sequence[Line], openers: Sequence[Line]) -> list[Line]:
    """Lines that open with a linked title of one word, where the sign that parts it from its text is the one that parts others'."""
    signs = {line.text[len(opening_words(line)) :].lstrip()[:1] for line in openers}
    if len(signs) != 1 or not all(line.linked_lead for line in openers):
        return []
    return [
        line
        for line in texts
        if not line.opens
        and line.linked_lead
        and line.block.kind == openers[0].block.kind
        and (lead := opening_words(line))
        and line.text[len(lead) :].lstrip()[:1] in signs
    ]


def _menus(linked: Sequence[Line]) -> None:
    """Linked heads of a word or two without text, beside others that are titles by every sign, are tags or a menu."""
    strong = [
        h for h in linked if h.role == "title" and h.words > Heads.MENU_WORDS and (not h.is_empty or h.bold >= WHOLE)
    ]
    if len(strong) < Heads.MIN_STRONG:
        return
    least = min(h.prominence for h in strong)
    styles = {h.signature for h in strong}
    last: Line | None = None
    for head in linked:
        weak = head.words <= Heads.MENU_WORDS and not head.marker and head.block.kind != "heading"
        # The last entry of a menu has the text of the mail under it.
        beside = last is not None and head.index == last.index + 1 and head.signature == last.signature
        if (
            weak
            and (head.is_empty or beside)
            and head.prominence < least + Heads.SMALLER
            and head.signature not in styles
        ):
            drop(head, "a tag or a line of a menu")
            last = head
