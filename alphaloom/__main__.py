"""``python -m alphaloom`` is ``alphaloom``."""

from alphaloom.cli import main

if __name__ == "__main__":
    main()
