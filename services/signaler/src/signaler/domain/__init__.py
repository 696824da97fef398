"""What is decided from candles and answers? Pure: no IO, no clock, no logging."""
