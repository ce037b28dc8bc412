"""What the literature reports, one row per comparison x outcome x time; see README.md of the room."""
