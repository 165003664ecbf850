"""What is remembered to save time, and not to be carried along."""

from typing import Any


class Memo(dict):
    """A dictionary that copies and pickles leave behind: what is in it can be found anew."""

    def __copy__(self) -> "Memo":
        return Memo()

    def __deepcopy__(self, memo: dict[int, Any]) -> "Memo":
        return Memo()

    def __reduce__(self) -> tuple[type["Memo"], tuple[()]]:
        return Memo, ()
