"""R4 facts as compact tables, made from the published definitions by the `build_*` modules beside them."""
