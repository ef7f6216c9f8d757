"""Documents that come as Bundles: their versions, what is taken from them, and what is withdrawn with them."""
