"""Dynamic mixing: soundscapes from foregrounds and backgrounds."""
