"""Data: DESED preparation, labels, streams, MiniDESED."""
