"""Reading SS-MIX2 stores, measured: a made store, its plain reading, and what the hub makes of it."""
