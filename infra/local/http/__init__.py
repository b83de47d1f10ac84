"""The local cloud over HTTP: the product's routes, the control interface and the page."""
