"""The blocks of code of docs/queues.md, by the name that stands behind their language."""

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "queues.md"
FENCE = re.compile(r"^```(\S*) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class BadPage(Exception):
    """The page is not as the suite can read it."""


@dataclass(frozen=True)
class Block:
    language: str
    name: str
    text: str


class Page:
    """All blocks, and which of them have been run."""

    def __init__(self):
        text = PAGE.read_text()
        found = [Block(*groups) for groups in FENCE.findall(text)]
        if 2 * len(found) != len(re.findall(r"^```", text, re.MULTILINE)):
            raise BadPage(f"{PAGE}: a block does not end")
        self.blocks = {(block.language, block.name): block for block in found}
        if len(self.blocks) != len(found) or not all(block.name for block in found):
            raise BadPage(f"{PAGE}: a block without a name of its own")
        self.run = set()

    def take(self, language, name):
        """The text of a block that is about to be run."""
        if (language, name) not in self.blocks:
            raise BadPage(f"{PAGE}: no block {language} {name}")
        self.run.add((language, name))
        return self.blocks[language, name].text

    def programs(self, language):
        """Names and texts of all blocks of a language, run or not."""
        return {name: block.text for (of, name), block in self.blocks.items() if of == language}

    def not_run(self):
        return sorted(" ".join(block) for block in self.blocks.keys() - self.run)
