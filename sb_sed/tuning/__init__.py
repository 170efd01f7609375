"""Parameters of smoothers: searched or learned on a development set."""
