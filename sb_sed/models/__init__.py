"""The networks: CRNN and detector."""
