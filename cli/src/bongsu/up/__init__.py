"""`bongsu up`: the whole system on this machine, started, watched, restarted and stopped."""
