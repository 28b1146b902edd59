"""Two ways to carry a message to the site: an in-page fetch (`fetch`) and the site's own page (`site_ui`)."""
