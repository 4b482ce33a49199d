"""A back-test: the nightly rules over a whole history, day by day, without look-ahead (`estate-hub backtest`)."""
