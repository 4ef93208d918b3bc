"""Names close to a mistyped one, for error messages."""

import difflib
from collections.abc import Iterable


def nearest_names(word: str, names: Iterable[str], limit: int = 3) -> list[str]:
    """The names most like `word`, best first; a dotted name also matches by its last part (`lr` finds
    `optim.lr`).
    """
    spelling = {_plain(name): name for name in names}
    plain = _plain(word)
    same_ending = [name for name in spelling if name.rpartition(".")[2] == plain.rpartition(".")[2]]
    close = difflib.get_close_matches(plain, list(spelling), n=limit, cutoff=0.6)
    endings = {name.rpartition(".")[2]: name for name in spelling}
    close_endings = difflib.get_close_matches(plain.rpartition(".")[2], list(endings), n=limit, cutoff=0.75)
    ranked = dict.fromkeys([*same_ending, *close, *(endings[name] for name in close_endings)])
    return [spelling[name] for name in ranked][:limit]


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """` Did you mean a, b or c?` with the space before it, or an empty string when nothing is near."""
    near = nearest_names(word, names)
    if not near:
        return ""
    *first, last = near
    return f" Did you mean {', '.join(first)} or {last}?" if first else f" Did you mean {last}?"


def _plain(name: str) -> str:
    return name.lower().lstrip("-").replace("-", "_")
