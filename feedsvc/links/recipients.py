"""The forms in which a link or a text names the person that a message was sent to."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from functools import lru_cache
from urllib.parse import unquote

# Levels of percent-encoding and of base64 in base64 that are looked into: trackers nest redirects in redirects.
_LEVELS = 4
_TOKEN = re.compile(r"[A-Za-z0-9+/_\-]{12,}={0,2}")
_LEAST_INNER = 12  # a decoded text of fewer characters holds no such token
# A reader's token of this length is no word or number of anything else, wherever it stands.
LONG_TOKEN = 12
# Shorter ones count as a whole parameter; from here on also as a whole segment of a path.
_SEGMENT_TOKEN = 8
_PIECE = re.compile(r"[^/?&#=;]+")
# From so many on, to search all their forms takes longer than to decode the text and look them up in it.
_MANY = 40
_HEX = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{2}){6,}(?![0-9a-f])")
# Twelve characters of base64 without a capital or a digit come about once in fifty thousand; words do all the time.
_UNENCODED = re.compile(r"[A-Z]?[a-z/_\-]+|[0-9/_\-]+")
_WORD = re.compile(r"[a-z0-9]+")
_ALNUM = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")


class Recipients:
    """Finds the recipients in a text: their addresses and long tokens, plain, percent-encoded, base64 at any offset; addresses
    also in hex or hashed.

    False where there are no recipients. Hashes are MD5, SHA-1, SHA-256 of the address in lower case and as it is
    (the forms that Gravatar, LiveIntent and Criteo use).
    """

    __slots__ = ("_exact", "_folded", "_least_token", "_marks", "_tokens", "_words")

    def __init__(self, addresses: frozenset[str]) -> None:
        self._tokens = frozenset(a.casefold() for a in addresses if "@" not in a and len(a) >= 3)
        # Strings to be searched one after the other, which takes a fifth of the time of one pattern for all of them.
        self._folded: tuple[str, ...] = ()  # in lower case
        self._exact: tuple[str, ...] = ()
        self._words: tuple[str, ...] = ()  # long tokens in lower case, where no letter or digit adjoins
        self._least_token = 0
        self._marks = tuple(
            _Marks.of(a) for a in sorted(addresses) if ("@" in a and len(a.strip()) >= 6) or len(a) >= LONG_TOKEN
        )
        if len(self._marks) < _MANY:
            self._make_forms(addresses)

    def _make_forms(self, addresses: frozenset[str]) -> None:
        folded: set[str] = set()
        exact: set[str] = set()
        # What is no address is the reader's number with a sender (subscriber.py): a short one counts as a whole value only.
        words: set[str] = set()
        for token in addresses:
            if "@" not in token and len(token) >= LONG_TOKEN:
                words.add(token.lower())
                folded.add(token.encode("utf-8", "surrogatepass").hex())
                exact |= _base64_cores(token.encode("utf-8", "surrogatepass"))
        for address in addresses:
            address = address.strip()  # noqa: PLW2901
            if "@" not in address or len(address) < 6:
                continue
            low = address.lower()
            local, _, domain = low.rpartition("@")
            if "+" in local:  # the address behind `name+tag@host` (RFC 5233)
                folded.add(f"{local.partition('+')[0]}@{domain}")
            folded |= {low, low.replace("+", " "), f"{local}={domain}", f"{local}(at){domain}", f"{local}[at]{domain}"}
            for form in {address, low, low.upper(), address.upper()}:
                data = form.encode("utf-8", "surrogatepass")
                folded.add(data.hex())
                for name in ("md5", "sha1", "sha256"):
                    folded.add(hashlib.new(name, data, usedforsecurity=False).hexdigest())
                    digest = hashlib.new(name, data, usedforsecurity=False).digest()
                    exact |= _alphabets(base64.b64encode(digest).decode().rstrip("="))
                exact |= _base64_cores(data)
        self._folded = tuple(sorted(folded))
        self._exact = tuple(sorted(exact))
        self._words = tuple(sorted(words))
        # Nobody is named by what is shorter once decoded, nor is what is encoded in it looked into.
        least = min([_LEAST_INNER, *map(len, self._folded), *map(len, words)])
        self._least_token = -(-least * 4 // 3)

    def __bool__(self) -> bool:
        return bool(self._tokens or self._marks)

    def is_token(self, value: str) -> bool:
        """Whether a parameter's value is a recipient's number with the sender."""
        return value.casefold() in self._tokens

    def token_in(self, rest: str) -> bool:
        """Whether a path with its query and fragment holds a recipient's number: as a whole value, or as a whole segment."""
        if not self._tokens:
            return False
        text = unquote(rest) if "%" in rest else rest
        folded = text.casefold()
        if not any(token in folded for token in self._tokens):
            return False
        return any(
            found[0].casefold() in self._tokens
            and (len(found[0]) >= _SEGMENT_TOKEN or text[found.start() - 1 : found.start()] == "=")
            for found in _PIECE.finditer(text)
        )

    @property
    def is_named(self) -> bool:
        """Whether there is an address or a long token among them: what counts wherever it stands."""
        return bool(self._marks)

    def named_in(self, text: str) -> frozenset[str]:
        """Those recipients whom `text` names, by an address or a long token: for whole documents, and for many recipients."""
        if not self._marks:
            return frozenset()
        shown = _shown(text)
        words = frozenset(_WORD.findall(shown))
        return frozenset(one.name for one in self._marks if one.named_in(shown, words))

    def found_in(self, text: str) -> bool:
        """Whether `text` names a recipient in any of the forms, also encoded more than once."""
        if len(self._marks) >= _MANY:
            return bool(self.named_in(text))
        if not self._exact:
            return False
        for _ in range(_LEVELS):
            if self._named_plainly(text.lower()):
                return True
            for form in self._exact:
                if form in text:
                    return True
            if "%" not in text:
                break
            decoded = unquote(text)
            if decoded == text:
                break
            text = decoded
        return self._in_tokens(text, 2)

    def _in_tokens(self, text: str, levels: int) -> bool:
        # A slash is a letter of base64 and a separator of paths: both readings are tried.
        tokens = [
            t for found in _TOKEN.findall(text) for t in ({found, *found.split("/")} if "/" in found else (found,))
        ]
        for token in tokens:
            decoded = decode_token(token) if len(token) >= self._least_token else None
            if decoded is None:
                continue
            if self._named_plainly(decoded.lower()) or (
                "%40" in decoded and self._named_plainly(unquote(decoded).lower())
            ):
                return True
            if levels > 1 and len(decoded) >= _LEAST_INNER and self._in_tokens(decoded, levels - 1):
                return True
        return False

    def _named_plainly(self, lowered: str) -> bool:
        """Whether a text in lower case names a recipient with nothing of it encoded."""
        for form in self._folded:  # a loop: this is asked of every link, and `any` takes twice as long
            if form in lowered:
                return True
        return any(_stands_alone(word, lowered) for word in self._words)


class _Marks:
    """What names one recipient in a text from which all encodings were taken (`_shown`): strings, or words alone."""

    __slots__ = ("name", "strings", "words")

    def __init__(self, name: str) -> None:
        self.name = name
        low = name.strip().lower()
        words: set[str] = set()
        if "@" not in low:
            self.strings: tuple[str, ...] = (low,)
        else:
            local, _, domain = low.rpartition("@")
            self.strings = tuple(
                {low, low.replace("+", " "), f"{local}={domain}", f"{local.partition('+')[0]}@{domain}"}
            )
            for form in {name, low, low.upper(), name.upper()}:
                data = form.encode("utf-8", "surrogatepass")
                for kind in ("md5", "sha1", "sha256"):
                    hashed = hashlib.new(kind, data, usedforsecurity=False)
                    words.add(hashed.hexdigest())
                    for digest in _alphabets(base64.b64encode(hashed.digest()).decode().rstrip("=")):
                        words.add(max(_WORD.findall(digest.lower()), key=len))
        self.words = frozenset(words)

    def named_in(self, shown: str, words: frozenset[str]) -> bool:
        """Whether this recipient is named; `words` are those of `shown`."""
        if not self.words.isdisjoint(words):
            return True
        if self.words:
            return any(each in shown for each in self.strings)
        # A token counts where no letter or digit stands beside it; its words are looked up before the text is searched.
        token = self.strings[0]
        return all(word in words for word in _WORD.findall(token)) and _stands_alone(token, shown)

    @staticmethod
    @lru_cache(maxsize=4096)
    def of(name: str) -> _Marks:
        """The marks of this recipient, made once."""
        return _Marks(name)


def _stands_alone(word: str, lowered: str) -> bool:
    """Whether the word is in the text with no letter or digit of ASCII beside it.

    A reader's number is another one in each mail: to compile a pattern for it takes longer than to look.
    """
    start = lowered.find(word)
    while start >= 0:
        end = start + len(word)
        if lowered[start - 1 : start] not in _ALNUM and lowered[end : end + 1] not in _ALNUM:
            return True
        start = lowered.find(word, start + 1)
    return False


def _shown(text: str) -> str:
    """`text` with all that is encoded in it, in lower case: percent-encoding, hex, and base64 wherever it begins."""
    levels = [text]
    for _ in range(_LEVELS):
        if "%" not in levels[-1] or (decoded := unquote(levels[-1])) == levels[-1]:
            break
        levels.append(decoded)
    found: list[str] = []
    pending = list(dict.fromkeys(t for level in levels for t in _TOKEN.findall(level) if not _UNENCODED.fullmatch(t)))
    for _ in range(2):
        inner: list[str] = []
        for token in pending:
            for piece in {token, *token.split("/")} if "/" in token else (token,):
                inner += _decodings(piece)
        found += inner
        pending = [t for each in inner for t in _TOKEN.findall(each)]
    found += [unquote(each) for each in found if "%" in each]
    shown = "\n".join([*levels, *found]).lower()
    decoded_hex = [bytes.fromhex(each).decode("latin-1").lower() for each in _HEX.findall(shown)]
    return "\n".join([shown, *decoded_hex])


def _decodings(token: str) -> list[str]:
    """What base64 in either alphabet says, whichever of four characters it begins with; bytes read as Latin-1."""
    plain = token.rstrip("=").replace("-", "+").replace("_", "/")
    found = []
    for start in range(4):
        piece = plain[start:]
        piece = piece[: len(piece) - (len(piece) % 4 == 1)]
        if len(piece) < 8:
            break
        try:
            found.append(base64.b64decode(piece + "=" * (-len(piece) % 4)).decode("latin-1"))
        except ValueError:
            break
    return found


def decode_token(token: str) -> str | None:
    """A token's base64 text, in either alphabet; None if it is not base64 of text."""
    token = token.rstrip("=").replace("-", "+").replace("_", "/")
    if len(token) % 4 == 1:
        return None
    try:
        return binascii.a2b_base64(token + "=" * (-len(token) % 4)).decode("utf-8")
    except ValueError:  # UnicodeDecodeError and binascii.Error are ValueErrors, and so is what is said of other letters
        return None


def _alphabets(text: str) -> set[str]:
    return {text, text.replace("+", "-").replace("/", "_")}


def _base64_cores(data: bytes) -> set[str]:
    """What base64 shows of `data` wherever it stands in the encoded bytes: without the characters that its neighbours share."""
    cores: set[str] = set()
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + data).decode().rstrip("=")
        start = (0, 2, 3)[offset]
        end = len(encoded) - (1 if (offset + len(data)) % 3 else 0)
        cores |= _alphabets(encoded[start:end])
    return cores


@lru_cache(maxsize=256)
def recipients_of(addresses: frozenset[str]) -> Recipients:
    """The finder for these addresses, made once."""
    return Recipients(addresses)
