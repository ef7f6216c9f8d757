"""Images in the browser: the viewer's page, pictures for a small screen, and the address by which others open them."""
