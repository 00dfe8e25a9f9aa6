"""Write the generated pages into a directory, `docs` unless another is named."""

import sys
from pathlib import Path

from perp_reference.pages.build import write

if __name__ == "__main__":
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else "docs")
    count = len(write(directory))
    sys.stdout.write(f"{count} pages written to {directory}\n")
