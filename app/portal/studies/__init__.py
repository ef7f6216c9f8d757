"""Pages of studies: what belongs with images in the one record, reports, doses, documents and key images."""
