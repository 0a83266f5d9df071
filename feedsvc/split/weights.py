"""The evidence that the splitter goes by, and how much each piece counts.

An issue is a sequence of lines. Some are *heads*: short lines set off by size, weight, capitals or by being a link as a whole. What a head
is cannot be told from the head alone, so heads of one style are judged together, and by what stands under them:

1. Housekeeping goes first (features.py): what links to unsubscribe or says so, bars of such links, a heading over such text.
2. A head with nothing under it but the next head is a *section*; a small one that stands over each single item is an *eyebrow*.
3. A head that is a link as a whole is the title of an item, unless it repeats the link of the item above ("read more", an image).
4. An unlinked head with text under it is the title of a story, or a subhead of the story that it stands in: it is a subhead where the head
   before it was set larger and no section came between.
5. Text under a head that is nearly all list items, or paragraphs with a bold or linked lead, each with a link of its own,
   is a *list*: its units are the items, and the head is their section.
6. Whether stories under unlinked heads are several articles or one essay with subheads is the hardest question. `Story` below weighs it.

Weights were set on one half of a corpus of labelled newsletters and looked at on the other.
"""

from __future__ import annotations


class Heads:
    """How heads are told apart (heads.py, outline.py). Prominence is size over body size, with a little for weight, tag and capitals."""

    NEAR_TOP = 8  # heads in which the issue's own title is looked for
    MAX_TITLE_PEERS = 2  # more linked heads in its style, and the head is an item that lent the issue its subject
    ISSUE_NAME_WORDS = 6
    MIN_SUBJECT_CHARS = 20
    MOST_OF = 0.6  # of the subject
    MASTHEAD_LINES = 12
    MIN_PEERS = 3  # linked heads in one style: titles, not by-lines
    MIN_PLAIN_PEERS = 2  # heads that are no links but stand over text
    MIN_BUTTONED = 2  # heads with a button beside one that says the subject and has one too
    MIN_LABELS = 2
    MIN_LEAD_WORDS = 3  # of a line that is a title by its colon, or by its place in a plain text
    SPACED_WORDS = 14  # of a line of plain text that stands alone, or opens a paragraph, and may be a head
    MIN_HEAD_CHARS = 6
    SPACED_SHARE = 0.5  # of the texts under such lines that end in a link of their own
    SPACED_SECTION = 1.3
    ANSWER_WORDS = 5
    MIN_ANSWERS = 2
    FEW_HEADS = 2  # in plain text, up to which it has none
    WELCOME_LINES = 4
    MIN_PART_WORDS = 60
    BUTTON_WORDS = 6
    MIN_SAME_LINKS = 3  # lines with one address and one wording
    LEAD_PROMINENCE = 1.12  # of a bold line: as large as the text, and bold
    GREETING_WORDS = 90  # under the largest head, before the items
    GREETED_SHARE = 0.6  # of the heads below that end in a link of their own
    MIN_OTHER_LINKED = 3  # linked heads beside one that repeats the subject, from which on that is an item too
    MAX_TEASER_WORDS = 60  # if the text under it is no longer
    BYLINE_LINES = 12  # after the issue's title
    BYLINE_WORDS = 6
    SUBTITLE_WORDS = 25  # a longer line is the text
    MIN_CONTENTS = 2  # lines of a table of contents
    MIN_CONTENTS_CHARS = 9
    CONTENTS_WITHIN = 0.6  # of the lines: where a table of contents stands
    MIN_CONTAINED_CHARS = 25  # of a head that a line of contents holds among other words
    ANNOUNCING_WORDS = 14  # "Presented by ..." is no longer
    ANNOUNCING_LINKED_WORDS = 8
    LATE = 0.6  # of the lines: a head below that, over a line of housekeeping, is housekeeping whatever else follows
    INTRO_WORDS = 45  # text under a section's head before its items
    MIN_TITLE_WORDS = 2
    MIN_TITLE_CHARS = 12
    MIN_MARKED = 3  # titles with read time or label, from which on a link without one is none
    MIN_STORY_WORDS = 8
    SMALLER = 0.03
    MUCH_SMALLER = 0.2
    EYEBROW = 0.05
    MIN_OPENERS = 3  # lines that begin with a linked title, from which on each is an item
    MIN_BOLD_ITEMS = 8  # list items with a bold lead and a link, under several heads
    MIN_SIGNED = 3  # lines with a link that begin with the same picture sign
    SIGNED_SHARE = 0.75  # of all lines with a link
    MIN_BOLD_OPENERS = 6  # bold words at a line's start are common in prose
    OPENERS_SHARE = 0.3  # of all lines of text
    DASHED_SHARE = 0.12  # where a dash parts title and text, as it does in no prose
    MENU_WORDS = 3
    MIN_WORDS_OVER_LIST = 60  # a story with so much text of its own before a list of links goes on with it
    MIN_BAR = 4  # short links in a row behind the last article
    FOOT = 0.5  # of the lines: below, the newsletter may speak of itself
    OWN_WORDS = 8
    FOOT_MENU_WORDS = 5
    MIN_FOOT_MENU = 3  # lines of housekeeping in one menu
    STANDFIRST_WORDS = 9
    MIN_STRONG = 3
    LABEL_WORDS = 7
    ITEMS_PER_SECTION = 1.5  # fewer items on average under a small heading, and it belongs to the item
    PLAIN = 1.1  # below, a linked line is set like the text
    KICKER_WORDS = 5  # a kicker, an author's name, the name of a stock
    NAMES_LIST = 1.3  # a linked head less prominent than this is a link before a list, not its name


class Units:
    """When the lines of a segment are a list of items (see units.py)."""

    MIN_UNITS = 2
    MIN_LEAD_UNITS = 3  # paragraphs need one more than list items: emphasis at a sentence's start is common in prose
    MIN_COVERAGE = 0.66  # share of the segment's text that stands in units
    MIN_LINKED = 0.7  # share of the units that have a link of their own
    MIN_DISTINCT = 0.8  # share of the units whose first link leads where no other's does
    MAX_KICKER_WORDS = 12  # of a line above an item, in its paragraph, that says what the item is about
    MAX_KICKERS = 2
    MAX_LINE_WORDS = 45  # of a line that is an item although neither bullet nor bold lead says so
    MAX_STORY_WORDS = 90  # on average, of stories under smaller heads; parts of one long story are longer
    MAX_INTRO_CHARS = 420  # text before the first unit
    # In an issue that is headed by its own title, so that it may be an essay, a list must be the whole of what stands under its head.
    SURE_LEADS = 4  # unless so many lines begin with their link
    POST_COVERAGE = 0.9
    POST_INTRO_CHARS = 130
    OPENED_COVERAGE = 0.5  # of the text under a section's head that one line with its own title is
    MIN_SECTIONS = 2  # heads in one style
    MIN_IN_OTHER_LISTS = 4  # units elsewhere, from which on a single item under a head is a list too


class Nature:
    """When a mail is no newsletter (nature.py): the sum must reach NEEDED."""

    NEEDED = 2.0
    SUBJECT = 2.0  # the subject speaks of a password, a receipt, a confirmation
    FIRST_TEXT = 1.2  # so do the first lines
    BUTTON = 0.8  # so does a button
    OWN_AFFAIR = 0.6  # the subject begins with "Your"
    ASKED_FOR = 0.8  # the text says that the reader asked for it
    SMALL = 0.7  # few words, and few links that all lead to one place or two
    WELCOMES = 0.8  # and the subject welcomes the reader
    LETTER = 2.0  # no mark of a mailing, and nothing that looks like an item
    FIRST_LINES = 12
    LINE_WORDS = 60
    FEW_LINKS = 10
    FEW_SITES = 3
    FEW_WORDS = 350
    MIN_OFFERS = 4
    OFFER_SHARE = 0.5  # share of items with a price, a discount or a deadline


class Story:
    """Whether heads without links part an issue into stories, or only structure one essay: the sum must reach NEEDED."""

    NEEDED = 1.0
    OWN_LINK = 2.0  # times the share of stories that end in a link of their own (a button, "read more") or start with a linked image
    CLOSED_EACH = (
        1.2  # nearly each ends in a link of its own, whatever its words are, and they have under BRIEF_WORDS on average
    )
    BRIEF_WORDS = 200
    MOST = 0.66
    SHORT_LINKED = 1.0  # nearly each has a link that no other has, and they have under SHORT_WORDS on average
    SHORT_WORDS = 60
    TERSE = 1.0  # under TERSE_WORDS on average: no essay has a subhead over so little
    TERSE_WORDS = 35
    RULED_OFF = 0.6  # in plain text: they stand between rules
    NUMBERED = 0.5  # the heads count: 1. 2. 3.
    OWN_BOX = 0.8  # each story stands in a box of its own, not in one flow of text
    IN_SUBJECT = 1.2  # the subject names two or more of them
    LISTED_SUBJECT = 0.4  # the subject is a list
    IMAGE_EACH = 0.6  # times the share of stories with an image beside the head
    SECTIONED = 0.8  # stories stand under sections
    LIKE_LINKED = 1.0  # times the share of stories whose headings are set as headings with links are
    MIN_LINKED_PEERS = 2  # headings with links
    LISTED_AT_HEAD = 1.0  # a table of contents at the head names them
    SHARED_EACH = 1.0  # times the share of stories with share buttons of their own
    NAMED_AFTER = 1.0  # the issue's own title stands again over one of the stories
    MIN_NAMED_CHARS = 12
    MIN_NAMED_PEERS = 2
    LISTICLE = -1.5  # the subject counts them: "7 lessons from ..."
    IS_POST = -1.6  # the issue is headed by its own title, which is also the subject: a post
    NAMED_ISSUE = 0.6  # the subject only names the issue, as an essay's seldom does, and the heads are set alike
    BEGINS_AT_ONCE = 0.4  # and then: no prose stands before the first head, or a salutation with its letter
    OTHER_TITLE = (
        -0.6
    )  # no item has a link, and the subject, without a number, shares no word with a head: one text's title
    MIN_TITLE_WORDS = 4
    MIN_TELLING_CHARS = 4
    MIN_ALIKE = 3
    GREETING_WORDS = 40
    LONG = -0.8  # stories of over LONG_WORDS words on average
    LONG_WORDS = 450


class Essay:
    """When a text is an article beside the list of links that it stands with."""

    MIN_WORDS = 350  # a shorter text before a list of links is its introduction
    MIN_DIGEST_ITEMS = 2
    MIN_LETTER_WORDS = 250  # a letter to the reader of so many words is an article beside the others
    MIN_SHARE = 0.6  # share of all text that stands in no item, from which few links are only links of the essay
    LITTLE = 0.15  # share of all text beside the items, from which on a post's few links are only links of it
    MIN_LISTED = 3  # links that make a list of their own beside the essay
    FEW_ITEMS = 4
    FEW_LINES = 2  # of text in each other item of a run, from which on further lines of the last are not its own
    WORDS_OVER_TITLE = 80  # of text under other heads: what has more above it is one head of several
    TITLE_WITHIN = 0.35  # of the lines: where the title of a text stands that is not the subject
